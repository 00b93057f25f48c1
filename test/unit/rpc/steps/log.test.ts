// The line of a call and what is counted of it, through the real chain.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import { createLedger } from "../../../../src/observability/metrics/ledger.ts";
import type { Incoming } from "../../../../src/rpc/exchange.ts";
import { callThrough, createFakeChain, incomingOf, noon } from "../../../fakes/chain.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";

const { whoAmI } = AuthService.method;
const canary = "canary-7a31";
const trace = "0af7651916cd43dd8448eb211c80319c";
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

type Calls = "all" | "most" | "refusals" | "off";

function open({ calls = "all", on = true, fails }: { calls?: Calls; on?: boolean; fails?: unknown } = {}) {
  const written: string[] = [];
  const ledger = createLedger();
  const chain = createFakeChain({
    tokens: { good: principalOf(), [canary]: "TOKEN_EXPIRED" },
    script: {
      "AuthService/WhoAmI": async () => {
        if (fails !== undefined) throw fails;
        return {};
      },
    },
    log: { calls, lines: { on, write: (line) => void written.push(line) } },
    metrics: ledger,
  });
  async function call(token: string, metadata: Record<string, string[]> = {}, protocol: Incoming["protocol"] = "grpc") {
    const incoming = incomingOf({ metadata: { authorization: [`Bearer ${token}`], ...metadata } });
    return await callThrough(chain, whoAmI, {}, { ...incoming, protocol });
  }
  const lines = () => written.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { call, lines, written, ledger, logger: chain.logger };
}

describe("M-08 the line of a call", () => {
  it("says who called what, how it ended and how long it took", async () => {
    const { call, lines } = open();
    await call("good", { traceparent: [`00-${trace}-b7ad6b7169203331-01`], "x-request-id": ["request-1"] });
    expect(lines()).toEqual([
      {
        level: "info",
        time: noon.toISOString(),
        method: "gatehouse.auth.v1.AuthService/WhoAmI",
        protocol: "grpc",
        request_id: "request-1",
        trace_id: trace,
        principal: alice,
        code: "OK",
        duration_ms: expect.any(Number),
        message: "call",
      },
    ]);
  });

  it("of a refusal has its reason and the id that the caller was given, and no principal", async () => {
    const { call, lines } = open();
    await call("dead");
    expect(lines()).toEqual([
      expect.objectContaining({
        code: "UNAUTHENTICATED",
        reason: "CREDENTIAL_INVALID",
        error_id: expect.stringMatching(uuid),
        request_id: expect.stringMatching(uuid),
        message: "call refused",
      }),
    ]);
    expect(lines()[0]).not.toHaveProperty("principal");
  });

  it("of our own failure is an error with its cause, and is written once", async () => {
    const { call, lines, logger } = open({ fails: new GatehouseError("DATABASE_UNAVAILABLE", { cause: "gone" }) });
    await call("good");
    expect(lines()).toEqual([]);
    expect(logger.lines).toEqual([
      {
        level: "error",
        message: "call failed",
        fields: expect.objectContaining({
          principal: alice,
          reason: "DATABASE_UNAVAILABLE",
          code: "UNAVAILABLE",
          err: "gone",
        }),
      },
    ]);
  });

  it.each<[Calls, boolean, readonly string[]]>([
    ["all", true, ["call", "call refused"]],
    ["most", true, ["call refused"]],
    ["refusals", true, ["call refused"]],
    ["off", true, []],
    ["all", false, []],
  ])("with GATEHOUSE_LOG_CALLS=%s and lines %s is written for %j", async (calls, on, messages) => {
    const { call, lines, logger } = open({ calls, on });
    await call("good");
    await call("dead");
    expect(lines().map(({ message }) => message)).toEqual(messages);
    // Whoever asks for everything still hears of refusals.
    expect(logger.lines.map(({ level }) => level)).toEqual(messages.includes("call refused") ? [] : ["debug"]);
  });

  it("AUD-10 is one line whatever the caller sends, and holds nothing of it", async () => {
    const { call, written } = open();
    for (const hostile of [`${canary}\r\n{"level":"error"}`, `${canary}\u2028\u001b[31m`, `"},{"x":"${canary}`]) {
      await call(canary, { "x-request-id": [hostile], traceparent: [hostile], tracestate: [hostile] });
    }
    expect(written).toHaveLength(3);
    for (const line of written) {
      expect(line).not.toContain(canary);
      expect(line).toMatch(/^[\x20-\x7e]+$/);
      expect(JSON.parse(line)).not.toHaveProperty("trace_id");
    }
  });

  it("SEC-05 holds no address", async () => {
    const { call, written } = open();
    await call("good");
    expect(written.join()).not.toContain("192.0.2.1");
  });
});

describe("x-request-id", () => {
  it("goes back to whoever sent one, with answers and refusals", async () => {
    const { call } = open();
    expect(await call("dead", { "x-request-id": ["request-1"] })).toMatchObject({
      failure: { metadata: { "x-request-id": "request-1" } },
    });
  });

  it.each(["short", "a".repeat(65), "spaces in it", "líne-break"])("is not echoed when it is %s", async (given) => {
    const { call } = open();
    const reply = await call("dead", { "x-request-id": [given] });
    expect("failure" in reply && reply.failure.metadata).not.toHaveProperty("x-request-id");
  });
});

describe("J-08 what is counted of a call", () => {
  function read(ledger: ReturnType<typeof createLedger>, name: string) {
    return ledger.read().find((one) => one.name === name)?.series ?? [];
  }

  it("has the system, the method and the code, once for each call", async () => {
    const { call, ledger } = open();
    await call("good");
    await call("good", {}, "grpc_web");
    await call("good", {}, "connect");
    await call("dead");
    const counted = read(ledger, "rpc_server_call_duration_seconds").map((series) => [
      series.labels.rpc_system_name,
      series.labels.rpc_response_status_code,
      "buckets" in series ? series.buckets.reduce((sum, count) => sum + count) : undefined,
    ]);
    expect(counted).toEqual([
      ["grpc", "OK", 2],
      ["connectrpc", "OK", 1],
      ["grpc", "UNAUTHENTICATED", 1],
    ]);
    expect(read(ledger, "gatehouse_refusals_total")).toEqual([{ labels: { reason: "CREDENTIAL_INVALID" }, value: 1 }]);
  });

  it("in flight goes up and comes back down, however a call ends", async () => {
    const { call, ledger } = open();
    await Promise.all([call("good"), call("dead"), call(canary)]);
    expect(read(ledger, "gatehouse_calls_in_flight").every((series) => "value" in series && series.value === 0)).toBe(
      true,
    );
  });
});
