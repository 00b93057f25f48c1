// Request ids on the real Postgres: however many repeats run at once, one has the effect and all get its answer.
import { create } from "@bufbuild/protobuf";
import { PutSecretResponseSchema, SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRequestRecords, keptForMs, requestRecordSweep } from "../../src/rpc/request-records/records.ts";
import { bearing, callThrough, createFakeChain, incomingOf, noon } from "../fakes/chain.ts";
import { alice, allow, bob, principalOf } from "../fakes/principal.ts";
import { fakeMacs, fakeSealer } from "../fakes/sealing.ts";
import { readStatus } from "../fakes/status.ts";
import { startTestDatabase, type TestDatabase } from "../fixtures/database.ts";
import { patientDeadline } from "./door.ts";

const { putSecret } = SecretsService.method;

let database: TestDatabase;

beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.drop());

function start() {
  let at = noon.getTime();
  let version = 0;
  const grants = [allow("*", "")];
  const records = createRequestRecords({ reader: database.reader, sealer: fakeSealer, macs: fakeMacs });
  const chain = createFakeChain({
    behind: { unitOfWork: database.unitOfWork(), records },
    deadline: patientDeadline,
    clock: { now: () => new Date(at) },
    tokens: { alice: principalOf({ id: alice, grants }), bob: principalOf({ id: bob, grants }) },
    script: {
      "SecretsService/PutSecret": async (_request, call) =>
        call.commit(async () => {
          version += 1;
          return create(PutSecretResponseSchema, { version: { version } });
        }),
    },
  });
  const put = async (requestId: string, value = "v", token = "alice") => {
    const request = { path: "a", value: Buffer.from(value), requestId };
    const reply = await callThrough(chain, putSecret, request, incomingOf({ metadata: bearing(token) }));
    return "answer" in reply ? reply.answer.version?.version : readStatus(reply.failure.status).info?.reason;
  };
  return {
    ...chain,
    put,
    pass: (ms: number) => {
      at += ms;
    },
  };
}

const rows = () =>
  database.asOwner<{ response: Buffer; method: string }>("select response, method from request_record");

describe("a request id on Postgres", () => {
  it("RPC-13 used by 20 calls at once gives all of them the one answer that was committed", async () => {
    const { put, recorder } = start();
    const before = (await rows()).length;
    const id = "018f0000-0000-4000-8000-000000000001";
    const answers = await Promise.all(Array.from({ length: 20 }, () => put(id)));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toBeTypeOf("number");
    expect(await rows()).toHaveLength(before + 1);
    const repeats = recorder.drafts.filter(({ details }) => details.repeated === true);
    expect(repeats).toHaveLength(19);
    expect(await put(id)).toBe(answers[0]);
  });

  it("RPC-13 used by calls with other content at the same time lets one through and refuses the rest", async () => {
    const { put } = start();
    const id = "018f0000-0000-4000-8000-000000000002";
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => put(id, `value ${n}`)));
    expect(answers.filter((answer) => typeof answer === "number")).toHaveLength(1);
    expect(answers.filter((answer) => answer === "REQUEST_ID_REUSED")).toHaveLength(7);
  });

  it("RPC-13 is kept per principal, outlives the process, and lasts 24 hours", async () => {
    const id = "018f0000-0000-4000-8000-000000000003";
    const first = await start().put(id);
    const later = start();
    expect(await later.put(id)).toBe(first);
    expect(await later.put(id, "v", "bob")).toBeTypeOf("number");
    later.pass(keptForMs - 1);
    expect(await later.put(id)).toBe(first);
  });

  it("RPC-13 means nothing after 24 hours: it is a new request then, whether it was swept or not", async () => {
    const { put, pass } = start();
    const id = "018f0000-0000-4000-8000-000000000005";
    const first = await put(id);
    pass(keptForMs);
    const second = await put(id);
    expect(second).toBe(Number(first) + 1);
    expect(await put(id)).toBe(second);
    pass(keptForMs);
    await requestRecordSweep(database.writer).run(new Date(noon.getTime() + 2 * keptForMs));
    expect(await put(id)).toBe(Number(second) + 1);
  });

  it("RPC-13 of a transaction that was undone leaves nothing behind", async () => {
    const before = (await rows()).length;
    const chain = createFakeChain({
      behind: {
        unitOfWork: database.unitOfWork({
          prepare: (draft) => ({ draft }),
          insert: async () => {
            throw new Error("no evidence");
          },
        }),
        records: createRequestRecords({ reader: database.reader, sealer: fakeSealer, macs: fakeMacs }),
      },
      deadline: patientDeadline,
      tokens: { alice: principalOf({ grants: [allow("*", "")] }) },
      script: {
        "SecretsService/PutSecret": async (_request, call) => call.commit(async () => create(PutSecretResponseSchema)),
      },
    });
    const request = { path: "a", value: Buffer.from("v"), requestId: "018f0000-0000-4000-8000-000000000004" };
    const reply = await callThrough(chain, putSecret, request, incomingOf({ metadata: bearing("alice") }));
    expect("failure" in reply).toBe(true);
    expect(await rows()).toHaveLength(before);
  });
});
