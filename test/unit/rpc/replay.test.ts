// Request ids (AIP-155) through the chain: one effect, one answer, per principal, method and content, for 24 hours.
import { create } from "@bufbuild/protobuf";
import { PutSecretResponseSchema, SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { keptForMs } from "../../../src/rpc/request-records/records.ts";
import { bearing, callThrough, createFakeChain, incomingOf, noon } from "../../fakes/chain.ts";
import { alice, allow, bob, principalOf } from "../../fakes/principal.ts";
import { readStatus } from "../../fakes/status.ts";

const { putSecret, deleteSecret } = SecretsService.method;
const id = "018F0000-0000-4000-8000-00000000000A";
const grants = [allow("*", "")];

function start() {
  let at = noon.getTime();
  let effects = 0;
  const tokens = {
    alice: principalOf({ id: alice, grants }),
    bob: principalOf({ id: bob, grants }),
    weak: principalOf({ id: alice }),
  };
  const chain = createFakeChain({
    tokens,
    clock: { now: () => new Date(at) },
    script: {
      "SecretsService/PutSecret": async (_request, call) =>
        call.commit(async () => {
          effects += 1;
          return create(PutSecretResponseSchema, { version: { version: effects } });
        }),
    },
  });
  const put = async (request: object = {}, token = "alice") => {
    const full = { path: "a", value: Buffer.from("v"), requestId: id, ...request };
    const reply = await callThrough(chain, putSecret, full, incomingOf({ metadata: bearing(token) }));
    return "answer" in reply ? reply.answer.version?.version : readStatus(reply.failure.status).info?.reason;
  };
  return {
    ...chain,
    put,
    effects: () => effects,
    pass: (ms: number) => {
      at += ms;
    },
  };
}

describe("a repeated request id", () => {
  it("RPC-13 gives the earlier answer and has no second effect", async () => {
    const { put, effects } = start();
    expect([await put(), await put(), await put()]).toEqual([1, 1, 1]);
    expect(effects()).toBe(1);
  });

  it("RPC-13 is the same id in any case", async () => {
    const { put, effects } = start();
    expect(await put()).toBe(1);
    // Another spelling is other bytes, so it is no repeat; but neither is it a second effect.
    expect(await put({ requestId: id.toLowerCase() })).toBe("REQUEST_ID_REUSED");
    expect(effects()).toBe(1);
  });

  it("RPC-13 with other content is refused", async () => {
    const { put, effects } = start();
    await put();
    expect(await put({ value: Buffer.from("other") })).toBe("REQUEST_ID_REUSED");
    expect(await put({ path: "b" })).toBe("REQUEST_ID_REUSED");
    expect(effects()).toBe(1);
  });

  it("RPC-13 of another principal is another request", async () => {
    const { put } = start();
    expect([await put(), await put({}, "bob"), await put({}, "alice"), await put({}, "bob")]).toEqual([1, 2, 1, 2]);
  });

  it("RPC-13 of another method is another request", async () => {
    const chain = start();
    await chain.put();
    const reply = await callThrough(
      chain,
      deleteSecret,
      { path: "a", versions: [1], requestId: id } as never,
      incomingOf({ metadata: bearing("alice") }),
    );
    expect("answer" in reply).toBe(true);
  });

  it("RPC-13 is authorised anew: a caller that lost its grant is not shown the earlier answer", async () => {
    const { put } = start();
    expect(await put()).toBe(1);
    expect(await put({}, "weak")).toBe("PERMISSION_DENIED");
  });

  it("RPC-13 is remembered for 24 hours", async () => {
    const { put, pass } = start();
    await put();
    pass(keptForMs - 1);
    expect(await put()).toBe(1);
  });

  it("RPC-13 of a request that failed is tried anew", async () => {
    const { put, unitOfWork } = start();
    unitOfWork.beforeCommit = () => {
      throw new GatehouseError("DATABASE_UNAVAILABLE");
    };
    expect(await put()).toBe("DATABASE_UNAVAILABLE");
    unitOfWork.beforeCommit = () => {};
    expect(await put()).toBe(2);
  });

  it("RPC-13 resolves an unknown outcome: the repeat tells that it had happened", async () => {
    const { put, unitOfWork, effects } = start();
    unitOfWork.afterCommit = () => {
      throw new GatehouseError("OUTCOME_UNKNOWN");
    };
    expect(await put()).toBe("OUTCOME_UNKNOWN");
    unitOfWork.afterCommit = () => {};
    expect([await put(), effects()]).toEqual([1, 1]);
  });

  it("RPC-13 that is no UUID is refused", async () => {
    const { put, effects } = start();
    expect(await put({ requestId: "not-a-uuid" })).toBe("REQUEST_INVALID");
    expect(effects()).toBe(0);
  });

  it("RPC-13 that is absent repeats the effect", async () => {
    const { put } = start();
    expect([await put({ requestId: "" }), await put({ requestId: "" })]).toEqual([1, 2]);
  });
});
