// When a failed call is tried again in a browser: bounds, pushback, the budget.
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { createPatience } from "../src/web/patience.ts";

const unavailable = (metadata: Record<string, string> = {}) => new ConnectError("no", Code.Unavailable, metadata);
const almostOne = () => 0.999_999;

describe("patience", () => {
  it("waits a random part of a bound that doubles, and ends after the attempts that it has", () => {
    const patience = createPatience({ initialBackoffMs: 100, maxBackoffMs: 250 }, almostOne);
    const waits = [2, 3, 4, 5].map((next) => patience.afterFailure(unavailable(), next));
    expect(waits.map((wait) => wait && Math.round(wait))).toEqual([100, 200, 250, undefined]);
    expect(createPatience({}, () => 0).afterFailure(unavailable(), 2)).toBe(0);
  });

  it("tries nothing again but UNAVAILABLE", () => {
    const patience = createPatience({}, almostOne);
    for (const code of [Code.Internal, Code.ResourceExhausted, Code.DeadlineExceeded, Code.Aborted, Code.Unknown])
      expect(patience.afterFailure(new ConnectError("no", code), 2)).toBeUndefined();
  });

  it("waits as long as the server says, by pushback or by Retry-After, the pushback first", () => {
    const patience = createPatience({}, almostOne);
    expect(patience.afterFailure(unavailable({ "grpc-retry-pushback-ms": "1234" }), 2)).toBe(1_234);
    expect(patience.afterFailure(unavailable({ "retry-after": "2" }), 2)).toBe(2_000);
    expect(patience.afterFailure(unavailable({ "grpc-retry-pushback-ms": "7", "retry-after": "2" }), 2)).toBe(7);
  });

  it.each(["-1", "", "soon", "1e3", "0x10", "99999999999", " 5 x"])("does not try again after pushback %j", (value) => {
    expect(
      createPatience({}, almostOne).afterFailure(unavailable({ "grpc-retry-pushback-ms": value }), 2),
    ).toBeUndefined();
  });

  it.each(["Wed, 21 Oct 2026 07:28:00 GMT", "-5", "1.5"])("takes no number from Retry-After %j", (value) => {
    expect(
      createPatience({ initialBackoffMs: 8 }, () => 0.5).afterFailure(unavailable({ "retry-after": value }), 2),
    ).toBe(4);
  });

  it("stops when half of its budget is gone, and begins again after successes", () => {
    const patience = createPatience({}, () => 0);
    const tried = Array.from({ length: 12 }, () => patience.afterFailure(unavailable(), 2));
    expect(tried.filter((wait) => wait === 0)).toHaveLength(9);
    for (let n = 0; n < 40; n++) patience.good();
    expect(patience.afterFailure(unavailable(), 2)).toBe(0);
  });

  it("refuses attempts that make no sense", () => {
    for (const maxAttempts of [0, 6, 1.5]) expect(() => createPatience({ maxAttempts }, almostOne)).toThrow(RangeError);
  });
});
