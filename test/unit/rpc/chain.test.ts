// The chain itself: every call ends in one answer or one failure, whatever falls over, and streams pass the same steps.
import { create, toBinary } from "@bufbuild/protobuf";
import { AuthService, WhoAmIResponseSchema } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { Health, HealthCheckRequestSchema } from "@gatehouse/proto/health/v1/health_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { EncodedAnswer } from "../../../src/kernel/handler.ts";
import { createChain } from "../../../src/rpc/chain.ts";
import type { Step } from "../../../src/rpc/step.ts";
import { createDeadlineStep } from "../../../src/rpc/steps/deadline.ts";
import { bearing, callThrough, createFakeChain, type FakeChainOptions, incomingOf, noon } from "../../fakes/chain.ts";
import { principalOf } from "../../fakes/principal.ts";
import { readStatus } from "../../fakes/status.ts";

const { whoAmI } = AuthService.method;
const tokens = { t: principalOf() };
const known = incomingOf({ metadata: bearing("t") });

async function reasonOf(script: FakeChainOptions["script"]): Promise<string> {
  const reply = await callThrough(createFakeChain({ tokens, ...(script && { script }) }), whoAmI, {}, known);
  return "answer" in reply ? "OK" : (readStatus(reply.failure.status).info?.reason ?? "no reason");
}

describe("a unary call", () => {
  it("is answered by its handler", async () => {
    const script = { "AuthService/WhoAmI": async () => create(WhoAmIResponseSchema, { principalId: "prn_x" }) };
    const reply = await callThrough(createFakeChain({ tokens, script }), whoAmI, {}, known);
    expect(reply).toMatchObject({ answer: { principalId: "prn_x" } });
  });

  it("may be answered by bytes that were made before", async () => {
    const bytes = toBinary(WhoAmIResponseSchema, create(WhoAmIResponseSchema, { principalId: "prn_y" }));
    const script = { "AuthService/WhoAmI": async () => new EncodedAnswer(bytes) };
    const reply = await callThrough(createFakeChain({ tokens, script }), whoAmI, {}, known);
    expect(reply).toMatchObject({ answer: { principalId: "prn_y" } });
  });

  it.each([
    ["throws", () => Promise.reject(new Error("x"))],
    ["throws nothing at all", () => Promise.reject(undefined)],
  ])("RPC-09 whose handler %s is INTERNAL", async (_what, handler) => {
    expect(await reasonOf({ "AuthService/WhoAmI": handler })).toBe("INTERNAL");
  });

  it("RPC-09 whose handler throws before it awaits, or answers what is no answer, is INTERNAL", async () => {
    const thrower = () => {
      throw new Error("x");
    };
    for (const handler of [thrower, () => 5, async () => undefined, async () => ({ principalId: "prn_x" })]) {
      const { chain, table } = createFakeChain({ tokens });
      const entry = table.get("/gatehouse.auth.v1.AuthService/WhoAmI");
      if (entry === undefined) throw new Error("not served");
      const reply = await chain.unary({ ...entry, handler }, known, new Uint8Array(0));
      expect("failure" in reply && readStatus(reply.failure.status).info?.reason).toBe("INTERNAL");
    }
  });

  it("takes the caller's request id when it is one, and makes one otherwise", async () => {
    const seen: string[] = [];
    const script: FakeChainOptions["script"] = {
      "AuthService/WhoAmI": async (_request, call) => {
        seen.push(call.requestId);
        return {};
      },
    };
    const chain = createFakeChain({ tokens, script });
    for (const given of ["order-4711_a.b", "short", "x".repeat(65), "bad\nline-break", "überlang-aber-nicht-ascii"])
      await callThrough(chain, whoAmI, {}, incomingOf({ metadata: { ...bearing("t"), "x-request-id": [given] } }));
    expect(seen[0]).toBe("order-4711_a.b");
    for (const made of seen.slice(1)) expect(made).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("steps that fall over", () => {
  function chainOf(steps: readonly Step[]) {
    const { table, unitOfWork, records } = createFakeChain({ tokens });
    const deadline = createDeadlineStep({ defaultMs: 1_000, maxMs: 1_000 });
    return {
      table,
      chain: createChain({
        steps: [...steps, deadline],
        clock: { now: () => noon },
        unitOfWork,
        records,
        countGuess: () => {},
      }),
    };
  }

  const named = (name: string, rest: Partial<Step>): Step => ({ name, reason: "for the test", ...rest });

  it("RPC-09 on the way in end the call, and the handler is not reached", async () => {
    const broken = named("broken", {
      enter: () => {
        throw new Error("x");
      },
    });
    const reply = await callThrough(chainOf([broken]), whoAmI, {}, known);
    expect("failure" in reply && readStatus(reply.failure.status).info?.reason).toBe("INTERNAL");
  });

  it.each([
    [
      "at once",
      () => {
        throw new Error("x");
      },
    ],
    ["later", () => Promise.reject(new Error("x"))],
  ])("RPC-09 on the way out, %s, make the call INTERNAL, and the steps outside still see it", async (_when, leave) => {
    const seen: unknown[] = [];
    const outside = named("outside", { leave: ({ outcome }) => void seen.push(outcome) });
    const reply = await callThrough(chainOf([outside, named("broken", { leave })]), whoAmI, {}, known);
    expect("failure" in reply && readStatus(reply.failure.status).info?.reason).toBe("INTERNAL");
    expect(seen).toMatchObject([{ ok: false, error: { reason: "INTERNAL" } }]);
  });
});

describe("a stream", () => {
  const health = (watch: (...args: never[]) => AsyncIterable<unknown>) => ({
    service: Health,
    handlers: { check: async () => ({}), list: async () => ({}), watch },
  });

  async function read(options: FakeChainOptions, name = "Watch", body?: Uint8Array) {
    const fake = createFakeChain(options);
    const entry = fake.table.get(`/grpc.health.v1.Health/${name}`);
    if (entry === undefined) throw new Error("not served");
    const request = async function* () {
      yield body ?? toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema));
    };
    const answers = fake.chain.stream(entry, incomingOf(), request());
    const seen: Uint8Array[] = [];
    let next = await answers.next();
    while (!next.done) {
      seen.push(next.value);
      next = await answers.next();
    }
    return { seen, reason: next.value && readStatus(next.value.status).info?.reason, ...fake };
  }

  const answer = { status: 1, $typeName: "grpc.health.v1.HealthCheckResponse" };

  it("gives its messages, then how it ended", async () => {
    const { seen, reason } = await read({
      more: [
        health(async function* () {
          yield answer;
          yield answer;
        }),
      ],
    });
    expect([seen.length, reason]).toEqual([2, undefined]);
  });

  it("RPC-12 passes the same steps as a unary call", async () => {
    const { seen, reason } = await read(
      {
        more: [
          health(async function* () {
            yield answer;
          }),
        ],
      },
      "Watch",
      Buffer.from([0xff, 0xff, 0xff]),
    );
    expect([seen.length, reason]).toEqual([0, "REQUEST_MALFORMED"]);
  });

  it("RPC-09 that falls over on the way ends as INTERNAL after what was sent", async () => {
    const { seen, reason, logger } = await read({
      more: [
        health(async function* () {
          yield answer;
          throw new Error("x");
        }),
      ],
    });
    expect([seen.length, reason]).toEqual([1, "INTERNAL"]);
    expect(logger.lines).toMatchObject([{ level: "error" }]);
  });

  it("ends with the refusal that its handler throws", async () => {
    const { reason } = await read({
      more: [
        health(async function* () {
          yield answer;
          throw new GatehouseError("DRAINING");
        }),
      ],
    });
    expect(reason).toBe("DRAINING");
  });
});

describe("a failure that reaches no method", () => {
  it("carries ErrorInfo like any other", () => {
    const { chain } = createFakeChain();
    const failure = chain.failure(new GatehouseError("METHOD_UNKNOWN"));
    expect(failure).toMatchObject({ code: 12, message: "no such method", metadata: {} });
    expect(readStatus(failure.status).info).toMatchObject({ reason: "METHOD_UNKNOWN", domain: "gatehouse" });
  });
});

describe("two calls at once", () => {
  it("do not see each other's principal, record or request", async () => {
    const script: FakeChainOptions["script"] = {
      "TokenService/Introspect": async (request: { token: string }, call) => {
        await new Promise(setImmediate);
        call.audit.details.token = request.token;
        return { active: true, subject: `${call.principal?.id}/${request.token}/${call.audit.details.token}` };
      },
    };
    const ids = Array.from({ length: 50 }, (_, n) => `01890000-0000-7000-8000-0000000000${(n + 10).toString(16)}`);
    const chain = createFakeChain({ script, tokens: Object.fromEntries(ids.map((id) => [id, principalOf({ id })])) });
    const replies = await Promise.all(
      ids.map((id) =>
        callThrough(chain, TokenService.method.introspect, { token: id }, incomingOf({ metadata: bearing(id) })),
      ),
    );
    expect(replies.map((reply) => "answer" in reply && reply.answer.subject)).toEqual(
      ids.map((id) => `${id}/${id}/${id}`),
    );
  });
});
