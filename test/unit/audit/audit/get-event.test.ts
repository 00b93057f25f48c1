import { create } from "@bufbuild/protobuf";
import {
  GetEventRequestSchema,
  type GetEventResponse,
  Outcome,
} from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { beforeEach, describe, expect, it } from "vitest";
import { createGetEvent } from "../../../../src/audit/audit/get-event.ts";
import { createEncoder } from "../../../../src/audit/record/encoder.ts";
import type { AuditRow } from "../../../../src/audit/record/store.ts";
import type { AuditDraft } from "../../../../src/kernel/audit.ts";
import type { Call } from "../../../../src/kernel/handler.ts";
import { formatId } from "../../../../src/kernel/ids.ts";
import { draftOf } from "../../../fakes/audit-draft.ts";
import { createFakeAuditKeys, type FakeAuditKeys } from "../../../fakes/audit-keys.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";

let keys: FakeAuditKeys;
let call: Call;

beforeEach(() => {
  keys = createFakeAuditKeys(alice);
  call = fakeCall({ principal: principalOf() });
});

async function rowOf(given: Partial<AuditDraft> = {}): Promise<AuditRow> {
  const encoder = createEncoder({ installationId: "i", keys });
  return encoder.encode(await encoder.prepare(draftOf(given)));
}

async function get(stored: Partial<AuditRow> & { readonly id: string }, eventId = formatId("event", stored.id)) {
  const { id, entry, subject, personal, details } = stored;
  const reader = scriptedDatabase({
    "audit.get_event": ([asked]) => (asked === id ? [{ id, entry, subject, personal, details }] : []),
  });
  return (await createGetEvent({ reader, keys })(create(GetEventRequestSchema, { eventId }), call)) as GetEventResponse;
}

const corrupt = { reason: "DATA_CORRUPT" };

describe("GetEvent", () => {
  it("shows the event as its entry says, with entry and salts, and names it in the record of the look-up", async () => {
    const row = await rowOf({
      outcome: "FAILURE",
      reason: "SECRET_EXPIRED",
      details: { a: [1, null] },
      personal: { loginName: "Anna" },
    });
    const answer = await get(row);
    expect(answer.event).toMatchObject({
      event: "secret.read",
      outcome: Outcome.FAILURE,
      reason: "SECRET_EXPIRED",
      loginName: "Anna",
      details: { a: [1, null] },
      erased: false,
    });
    expect(answer.entry).toEqual(row.entry);
    expect([answer.personalSalt.length, answer.detailsSalt.length]).toEqual([32, 32]);
    expect(call.audit.resources).toEqual([{ type: "event", uid: formatId("event", row.id) }]);
  });

  it("tells an event without parts from one whose parts are erased", async () => {
    const bare = await get(await rowOf({ personal: {} }));
    expect(bare).toMatchObject({
      event: { erased: false },
      personalSalt: new Uint8Array(),
      detailsSalt: new Uint8Array(),
    });
    const row = await rowOf();
    keys.erased.add(alice);
    expect(await get(row)).toMatchObject({ event: { erased: true, address: "" }, personalSalt: new Uint8Array() });
  });

  it("AUD-04 refuses to show what does not fit the entry: another's, another version's, a part that is gone or new", async () => {
    const [mine, other] = [await rowOf({ details: { a: 1 } }), await rowOf({ details: { a: 2 } })];
    const forged = Buffer.from(
      mine.entry.toString().replace(/"personal":"[0-9a-f]{64}"/, `"personal":"${"0".repeat(64)}"`),
    );
    for (const change of [
      { entry: other.entry },
      { entry: Buffer.from("{}") },
      { entry: Buffer.concat([mine.entry, Buffer.from(" ")]) },
      { entry: forged },
      { personal: other.personal },
      { personal: null },
      { details: other.details },
      { details: null },
      { subject: null },
    ]) {
      await expect(get({ ...mine, ...change })).rejects.toMatchObject(corrupt);
    }
  });

  it("AUD-04 refuses an entry that was put in another's place, parts or no parts", async () => {
    const [mine, other] = [await rowOf({ personal: {} }), await rowOf({ personal: {} })];
    await expect(get({ ...mine, entry: other.entry })).rejects.toMatchObject(corrupt);
  });

  it("says of what is no event id, and of an event that is not there, the same", async () => {
    const row = await rowOf();
    for (const eventId of [formatId("event", "01890000-0000-7000-8000-0000000000dd"), row.id, "prn_1", "evt_x"]) {
      await expect(get(row, eventId)).rejects.toMatchObject({ reason: "EVENT_NOT_FOUND" });
    }
  });
});
