import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  AppendEventRequestSchema,
  type AppendEventResponse,
  Outcome,
} from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { beforeEach, describe, expect, it } from "vitest";
import { createAppendEvent } from "../../../../src/audit/audit/append-event.ts";
import { leafHash } from "../../../../src/audit/domain/entry.ts";
import { createEncoder, type Encoder } from "../../../../src/audit/record/encoder.ts";
import type { Call } from "../../../../src/kernel/handler.ts";
import { formatId } from "../../../../src/kernel/ids.ts";
import { createFakeAuditKeys } from "../../../fakes/audit-keys.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { alice, bob, principalOf } from "../../../fakes/principal.ts";
import { createFakeUnitOfWork, type FakeUnitOfWork } from "../../../fakes/unit-of-work.ts";

let encoder: Encoder;
let unitOfWork: FakeUnitOfWork;
let call: Call;

beforeEach(() => {
  encoder = createEncoder({ installationId: "i", keys: createFakeAuditKeys(alice, bob) });
  unitOfWork = createFakeUnitOfWork();
  call = fakeCall({ principal: principalOf(), unitOfWork });
  call.audit.personal = { address: "192.0.2.1", userAgent: "orders/1" };
});

async function append(given: MessageInitShape<typeof AppendEventRequestSchema> = {}): Promise<AppendEventResponse> {
  const request = create(AppendEventRequestSchema, { source: "orders", name: "refund_paid", ...given });
  return (await createAppendEvent({ encoder })(request, call)) as AppendEventResponse;
}

describe("AppendEvent", () => {
  it("commits the application's event and answers the leaf hash of the very entry that is stored", async () => {
    const answer = await append({
      outcome: Outcome.FAILURE,
      reason: "OVER_LIMIT",
      resources: [
        { type: "order", uid: "1" },
        { type: "order", uid: "2", version: 7 },
      ],
    });
    expect(answer.eventId).toBe(formatId("event", call.audit.eventId));
    expect(unitOfWork.committed).toMatchObject([
      {
        event: "orders.refund_paid",
        category: "APPLICATION",
        outcome: "FAILURE",
        reason: "OVER_LIMIT",
        subjectId: alice,
        resources: [
          { type: "order", uid: "1" },
          { type: "order", uid: "2", version: 7 },
        ],
      },
    ]);
    const stored = encoder.encodeFixed(await encoder.prepare(call.audit));
    expect(Buffer.from(answer.leafHash)).toEqual(leafHash(stored.entry));
  });

  it("speaks of the subject with what the request says of it, never with the caller's own address", async () => {
    await append({ subjectId: formatId("principal", bob) });
    await append({ subjectId: formatId("principal", bob), address: "203.0.113.1" });
    expect(unitOfWork.committed.map(({ subjectId, personal }) => [subjectId, personal])).toEqual([
      [bob, {}],
      [bob, { address: "203.0.113.1" }],
    ]);
  });

  it("speaks of the caller when it names nobody", async () => {
    await append();
    expect(unitOfWork.committed[0]).toMatchObject({
      subjectId: alice,
      personal: { address: "192.0.2.1", userAgent: "orders/1" },
    });
  });

  it.each(["secret", "authn", "authz", "audit", "token", "user", "session", "gatehouse", "key", "invitation"])(
    "AUD-10 lets no application speak as %s",
    async (source) => {
      await expect(append({ source, name: "read" })).rejects.toMatchObject({
        reason: "REQUEST_INVALID",
        violations: [{ field: "source" }],
      });
      expect(unitOfWork.committed).toEqual([]);
    },
  );

  it.each([
    ["a fraction", { price: 1.5 }],
    ["an integer beyond 2^53", { deep: [{ n: 2 ** 53 }] }],
    ["a text that would have to be cut", { text: "x".repeat(1_025) }],
    ["a name that would have to be cut", { ["n".repeat(65)]: 1 }],
  ])("AUD-05 refuses %s, because evidence is kept to the letter or not at all", async (_title, details) => {
    await expect(append({ details })).rejects.toMatchObject({
      reason: "REQUEST_INVALID",
      violations: [{ field: "details" }],
    });
    expect(unitOfWork.committed).toEqual([]);
  });

  it("refuses details nested too deeply", async () => {
    let details: { [key: string]: never } = {};
    for (let i = 0; i < 20; i++) details = { deep: details } as never;
    await expect(append({ details })).rejects.toMatchObject({ violations: [{ field: "details" }] });
  });

  it("refuses details beyond 16 KiB", async () => {
    const details = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "x".repeat(1_000)]));
    await append({ details: details(16) });
    await expect(append({ details: details(17) })).rejects.toMatchObject({ reason: "EVENT_TOO_LARGE", code: 3 });
  });

  it("AUD-10 refuses an entry that no log could hold", async () => {
    encoder = createEncoder({ installationId: "i".repeat(300), keys: createFakeAuditKeys(alice) });
    const resources = Array.from({ length: 16 }, () => ({
      type: "\u0001".repeat(64),
      uid: "\u0001".repeat(600),
      version: 2_147_483_647,
    }));
    await expect(
      append({ resources, reason: "\u0001".repeat(64), name: `a${"b".repeat(63)}`, source: "s".repeat(64) }),
    ).rejects.toMatchObject({
      reason: "EVENT_TOO_LARGE",
    });
    expect(unitOfWork.committed).toEqual([]);
  });

  it("AUD-10 leaves a record of the attempt, not of the event, when it appended nothing", async () => {
    const attempt = {
      event: "audit.appended",
      category: "ADMIN",
      outcome: "SUCCESS",
      reason: undefined,
      subjectId: alice,
      resources: [{ type: "audit", uid: "orders" }],
      details: {},
    };
    await expect(append({ details: { price: 1.5 }, outcome: Outcome.FAILURE, reason: "X" })).rejects.toThrow();
    expect(call.audit).toMatchObject(attempt);
    const repeated = { ...call, commit: async () => ({ eventId: "evt_of_the_first" }) as never };
    call = repeated;
    expect((await append({ subjectId: formatId("principal", bob) })).eventId).toBe("evt_of_the_first");
    expect(call.audit).toMatchObject({ ...attempt, personal: { address: "192.0.2.1", userAgent: "orders/1" } });
  });

  it("answers nothing when the record cannot be stored", async () => {
    unitOfWork.beforeCommit = () => {
      throw new Error("no room");
    };
    await expect(append()).rejects.toThrow("no room");
  });
});
