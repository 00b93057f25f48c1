// What is turned away when there is too much to do: long lists first, checks of tokens last, health never.

import { AuditService } from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it, vi } from "vitest";
import { createPressure, watchEventLoop } from "../../../../src/rpc/limits/pressure.ts";
import { callThrough, createFakeChain, incomingOf } from "../../../fakes/chain.ts";
import { allow, principalOf } from "../../../fakes/principal.ts";
import { readStatus } from "../../../fakes/status.ts";

const priorities = ["health", "critical", "normal", "bulk"] as const;

function turnedAway(pressure: ReturnType<typeof createPressure>) {
  return priorities.filter((priority) => pressure.turnsAway(priority)).join(" ");
}

describe("a late event loop", () => {
  it.each([
    [100, ""],
    [101, "bulk"],
    [201, "normal bulk"],
    [801, "critical normal bulk"],
    [60_000, "critical normal bulk"],
  ])("by %d ms turns away: %s", (lag, expected) => {
    const pressure = createPressure({ lagMs: 100, maxRunning: 1_000 });
    pressure.observe(lag);
    pressure.observe(lag);
    expect(turnedAway(pressure)).toBe(expected);
  });

  it("that was late once, as after a collection of garbage, turns nobody away", () => {
    const pressure = createPressure({ lagMs: 100, maxRunning: 1_000 });
    pressure.observe(0);
    pressure.observe(5_000);
    expect(turnedAway(pressure)).toBe("");
  });

  it("turns nobody away once it is in time again", () => {
    const pressure = createPressure({ lagMs: 100, maxRunning: 1_000 });
    pressure.observe(5_000);
    pressure.observe(5_000);
    pressure.observe(3);
    expect(turnedAway(pressure)).toBe("");
  });

  it("is looked at ten times a second", () => {
    vi.useFakeTimers();
    let now = 0;
    const seen: number[] = [];
    const stop = watchEventLoop({ observe: (lag) => void seen.push(lag) }, () => now);
    try {
      for (const next of [100, 200, 1_700, 1_799]) {
        now = next;
        vi.advanceTimersByTime(100);
      }
    } finally {
      stop();
      vi.useRealTimers();
    }
    expect(seen).toEqual([0, 0, 1_400, 0]);
  });
});

describe("calls under way", () => {
  it.each([
    [500, ""],
    [501, "bulk"],
    [801, "normal bulk"],
    [1_001, "critical normal bulk"],
  ])("%d of 1,000 turn away: %s", (running, expected) => {
    const pressure = createPressure({ lagMs: 100, maxRunning: 1_000 });
    for (let n = 0; n < running; n++) pressure.begin();
    expect(turnedAway(pressure)).toBe(expected);
    pressure.update({ lagMs: 100, maxRunning: 1_000_000 });
    expect(turnedAway(pressure)).toBe("");
  });
});

describe("through the chain", () => {
  function start() {
    const fake = createFakeChain({
      tokens: { alice: principalOf({ grants: [allow("*", "")] }) },
      limiting: { pressure: { lagMs: 100, maxRunning: 1_000 } },
    });
    const call = async (method: Parameters<typeof callThrough>[1]) => {
      const incoming = incomingOf({ metadata: { authorization: ["Bearer alice"] } });
      const reply = await callThrough(fake, method, {} as never, incoming);
      return "answer" in reply ? undefined : { ...readStatus(reply.failure.status), metadata: reply.failure.metadata };
    };
    return { ...fake, call };
  }

  it("a listing is turned away while a check of a token is answered; nothing is recorded", async () => {
    const { call, pressure, recorder } = start();
    for (const lag of [150, 150]) pressure.observe(lag);
    expect(await call(AuditService.method.queryEvents)).toMatchObject({
      code: 14,
      info: { reason: "OVERLOADED" },
      retryInfo: { retryDelay: { seconds: 1n } },
      metadata: { "grpc-retry-pushback-ms": "1000" },
    });
    expect(await call(AuthService.method.whoAmI)).toBeUndefined();
    expect(await call(TokenService.method.getJwks)).toBeUndefined();
    expect(recorder.drafts.filter(({ reason }) => reason === "OVERLOADED")).toEqual([]);
  });

  it("calls are under way until they end, however they end", async () => {
    const { call, pressure } = start();
    await call(AuthService.method.whoAmI);
    for (const lag of [5_000, 5_000]) pressure.observe(lag);
    await call(AuthService.method.whoAmI);
    await call(AuditService.method.queryEvents);
    expect(pressure.running).toBe(0);
  });
});
