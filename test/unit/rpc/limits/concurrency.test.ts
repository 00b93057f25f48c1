// How much one caller may have under way, through the chain: calls and streams apart, given back however a call ends.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { create, toBinary } from "@bufbuild/protobuf";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { HealthCheckRequestSchema } from "@gatehouse/proto/health/v1/health_pb.js";
import { describe, expect, it } from "vitest";
import { noMetrics } from "../../../../src/kernel/metrics.ts";
import { createHealth } from "../../../../src/rpc/health/service.ts";
import { createConcurrency } from "../../../../src/rpc/limits/concurrency.ts";
import { callThrough, createFakeChain, incomingOf } from "../../../fakes/chain.ts";
import { alice, bob, principalOf } from "../../../fakes/principal.ts";
import { readStatus } from "../../../fakes/status.ts";

const { whoAmI } = AuthService.method;
const { getJwks } = TokenService.method;

function start(callsPerCaller: number) {
  const waiting: (() => void)[] = [];
  const held = () => new Promise<object>((resolve) => waiting.push(() => resolve({})));
  const fake = createFakeChain({
    script: { "AuthService/WhoAmI": held, "TokenService/GetJwks": held },
    tokens: { alice: principalOf({ id: alice }), bob: principalOf({ id: bob }) },
    limiting: { concurrency: { callsPerCaller, streamsPerCaller: 1 } },
  });
  const call = async (method: typeof whoAmI | typeof getJwks, options: Parameters<typeof incomingOf>[0]) => {
    const reply = await callThrough(fake, method, {} as never, incomingOf(options));
    return "answer" in reply
      ? { reason: "OK" }
      : { ...readStatus(reply.failure.status), metadata: reply.failure.metadata };
  };
  const as = (token: string) => ({ metadata: { authorization: [`Bearer ${token}`] } });
  const finish = () => {
    for (const end of waiting.splice(0)) end();
  };
  return { ...fake, waiting, call, as, finish };
}

describe("calls under way", () => {
  it("RPC-11 are bounded for each principal, and told so with a time to come back", async () => {
    const { call, as, finish, recorder } = start(2);
    const first = [call(whoAmI, as("alice")), call(whoAmI, as("alice"))];
    const refused = await call(whoAmI, as("alice"));
    expect(refused).toMatchObject({
      code: 8,
      info: { reason: "CONCURRENCY_LIMITED", metadata: { limit: "concurrent calls", at_once: "2" } },
      quotaFailure: { violations: [{ subject: "concurrent calls" }] },
      metadata: { "grpc-retry-pushback-ms": "100" },
    });
    const others = call(whoAmI, as("bob"));
    finish();
    expect(await Promise.all([...first, others])).toMatchObject([{ reason: "OK" }, { reason: "OK" }, { reason: "OK" }]);
    // A flood of them is no flood of records.
    expect(recorder.drafts).toEqual([]);
  });

  it("make room when they end, well or not", async () => {
    const { call, as, finish, waiting } = start(1);
    for (let n = 0; n < 5; n++) {
      const running = call(whoAmI, as("alice"));
      await new Promise((resume) => setImmediate(resume));
      expect(waiting).toHaveLength(1);
      finish();
      expect(await running).toMatchObject({ reason: "OK" });
      expect(await call(whoAmI, { metadata: { authorization: ["Bearer dead"] } })).toMatchObject({ code: 16 });
    }
  });

  it("of callers without a credential are bounded for each address, ten times as many", async () => {
    const { call, finish } = start(1);
    const running = Array.from({ length: 10 }, () => call(getJwks, {}));
    expect(await call(getJwks, {})).toMatchObject({ info: { reason: "CONCURRENCY_LIMITED" } });
    const elsewhere = call(getJwks, { address: "192.0.2.9" });
    finish();
    for (const reply of await Promise.all([...running, elsewhere])) expect(reply).toMatchObject({ reason: "OK" });
  });
});

describe("streams", () => {
  const health = createHealth({ unknownService: () => new Error("unknown") });
  const fake = createFakeChain({
    more: [health.binding],
    limiting: { concurrency: { callsPerCaller: 1, streamsPerCaller: 1 } },
  });
  const request = toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema));
  async function* one() {
    yield request;
  }

  /** An open stream, once its first answer is there; or the refusal. */
  async function watch(address: string) {
    const entry = fake.table.get("/grpc.health.v1.Health/Watch");
    if (entry === undefined) throw new Error("no such method");
    const stream = fake.chain.stream(entry, incomingOf({ address }), one());
    const first = await stream.next();
    return first.done ? readStatus(first.value?.status ?? new Uint8Array()) : stream;
  }

  it("are bounded as long as they are open, and make room when their reader goes away", async () => {
    const open = await Promise.all(Array.from({ length: 10 }, () => watch("192.0.2.1")));
    expect(await watch("192.0.2.1")).toMatchObject({
      code: 8,
      info: { reason: "CONCURRENCY_LIMITED", metadata: { limit: "concurrent streams", at_once: "10" } },
    });
    const elsewhere = await watch("192.0.2.2");
    expect(elsewhere).toHaveProperty("return");
    for (const stream of open.slice(0, 3)) if ("return" in stream) await stream.return(undefined);
    for (let n = 0; n < 3; n++) expect(await watch("192.0.2.1")).toHaveProperty("return");
    expect(await watch("192.0.2.1")).toMatchObject({ code: 8 });
    health.shutdown();
  });

  it("do not keep a probe from its answer", async () => {
    const entry = fake.table.get("/grpc.health.v1.Health/Check");
    if (entry === undefined) throw new Error("no such method");
    const replies = Array.from({ length: 30 }, () =>
      fake.chain.unary(entry, incomingOf({ address: "192.0.2.1" }), request),
    );
    for (const reply of await Promise.all(replies)) expect(reply).toHaveProperty("bytes");
  });
});

describe("seats", () => {
  /** Without what only waits to be collected, of which there is more or less by chance. */
  function heldBytes(): number {
    setFlagsFromString("--expose-gc");
    runInNewContext("gc")();
    return process.memoryUsage().heapUsed;
  }

  it("of streams are apart from those of calls", () => {
    const concurrency = createConcurrency({ callsPerCaller: 1, streamsPerCaller: 2 }, noMetrics);
    concurrency.take("calls", "a", 1);
    expect(() => concurrency.take("calls", "a", 1)).toThrow("too many calls at the same time");
    const stream = concurrency.take("streams", "a", 1);
    concurrency.take("streams", "a", 1);
    expect(() => concurrency.take("streams", "a", 1)).toThrow("too many calls at the same time");
    stream.taken -= 1;
    concurrency.take("streams", "a", 1);
  });

  it("follow new settings, those taken included", () => {
    const concurrency = createConcurrency({ callsPerCaller: 3, streamsPerCaller: 1 }, noMetrics);
    concurrency.take("calls", "a", 1);
    concurrency.update({ callsPerCaller: 1, streamsPerCaller: 1 });
    expect(() => concurrency.take("calls", "a", 1)).toThrow("too many calls");
  });

  it("RPC-11 of a million callers take bounded memory", () => {
    const concurrency = createConcurrency({ callsPerCaller: 1, streamsPerCaller: 1 }, noMetrics);
    const before = heldBytes();
    for (let n = 0; n < 1_000_000; n++) concurrency.take("calls", `caller-${n}`, 1).taken -= 1;
    // A map of them all would be 100 MiB, those that are kept are 6.
    expect(heldBytes() - before).toBeLessThan(40 * 1024 * 1024);
    expect(() => concurrency.take("calls", "caller-0", 1)).not.toThrow();
  });
});
