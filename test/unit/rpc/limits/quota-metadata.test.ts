// What an answer says of its caller's budget, in the words of each protocol.
import { describe, expect, it } from "vitest";
import type { Decision } from "../../../../src/rpc/limits/ports.ts";
import { createQuotaWriter } from "../../../../src/rpc/limits/quota-metadata.ts";

const letIn = (remaining: number, wholeAfterMs: number): Decision => ({
  allowed: true,
  remaining,
  wholeAfterMs,
  retryAfterMs: 0,
  first: false,
});
const plain = (limit: string, remaining: string, reset: string) => ({
  "x-ratelimit-limit": limit,
  "x-ratelimit-remaining": remaining,
  "x-ratelimit-reset": reset,
});

describe("the quota of an answer", () => {
  const quotaOf = createQuotaWriter("read", { count: 20_000, perMs: 1_000 });

  it("T-02 says limit, remaining and when it is whole again, in whole seconds rounded up", () => {
    expect(quotaOf(letIn(19_999, 0.05), "grpc")).toEqual({ remaining: 19_999, metadata: plain("20000", "19999", "1") });
    expect(quotaOf(letIn(20_000, 0), "grpc").metadata).toEqual(plain("20000", "20000", "0"));
    expect(quotaOf(letIn(3, 1_001), "grpc").metadata).toEqual(plain("20000", "3", "2"));
  });

  it("tells budgets of weeks apart", () => {
    const weekly = createQuotaWriter("login", { count: 5, perMs: 30 * 86_400_000 });
    expect(weekly(letIn(1, 1_048_576_000), "grpc").remaining).toBe(1);
    expect(weekly(letIn(2, 0), "grpc").metadata).toEqual(plain("5", "2", "0"));
  });

  it("of a refusal says when to come back", () => {
    const refused: Decision = { allowed: false, remaining: 0, wholeAfterMs: 60_000, retryAfterMs: 5_001, first: true };
    expect(quotaOf(refused, "grpc").metadata).toEqual(plain("20000", "0", "6"));
  });

  it.each(["connect", "grpc_web"] as const)("speaks the draft standard as well to callers by %s", (protocol) => {
    expect(quotaOf(letIn(7, 400), protocol).metadata).toEqual({
      ...plain("20000", "7", "1"),
      "ratelimit-policy": '"read";q=20000;w=1',
      ratelimit: '"read";r=7;t=1',
    });
  });

  it("names the window of a policy in whole seconds, never none", () => {
    const policyOf = (perMs: number) =>
      createQuotaWriter("x", { count: 5, perMs })(letIn(1, 1), "connect").metadata["ratelimit-policy"];
    expect([policyOf(50), policyOf(1_500), policyOf(60_000)]).toEqual(['"x";q=5;w=1', '"x";q=5;w=2', '"x";q=5;w=60']);
  });

  it("is one frozen object for all answers that say the same, and never another's", () => {
    const one = quotaOf(letIn(42, 10), "grpc");
    expect(quotaOf(letIn(42, 900), "grpc")).toBe(one);
    expect(Object.isFrozen(one.metadata)).toBe(true);
    expect(quotaOf(letIn(42, 10), "connect")).not.toBe(one);
    for (let n = 0; n < 5_000; n++) quotaOf(letIn(n, 10), "grpc");
    expect(quotaOf(letIn(42, 10), "grpc").metadata).toEqual(one.metadata);
  });
});
