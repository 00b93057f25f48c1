import { beforeEach, describe, expect, it } from "vitest";
import { createEncoder } from "../../../../src/audit/record/encoder.ts";
import { createAuditWriter } from "../../../../src/audit/record/writer.ts";
import type { AuditWriter } from "../../../../src/kernel/audit.ts";
import type { Row, Statement } from "../../../../src/kernel/database.ts";
import { draftOf } from "../../../fakes/audit-draft.ts";
import { createFakeAuditKeys, type FakeAuditKeys } from "../../../fakes/audit-keys.ts";
import { alice, bob } from "../../../fakes/principal.ts";

const subjectColumn = 11;
let keys: FakeAuditKeys;
let writer: AuditWriter;
let sent: (readonly unknown[])[];
const tx = {
  async rows<R extends Row>(_statement: Statement, parameters: readonly unknown[]): Promise<R[]> {
    sent.push(parameters);
    return [];
  },
};

beforeEach(() => {
  keys = createFakeAuditKeys(alice, bob);
  writer = createAuditWriter(createEncoder({ installationId: "i", keys }));
  sent = [];
});

describe("the writer of the unit of work", () => {
  it("hands its statement over before it first waits, since COMMIT leaves with it", async () => {
    const record = await writer.prepare(draftOf());
    const inserted = writer.insert(tx, [record]);
    expect(sent).toHaveLength(1);
    await inserted;
    expect(sent[0]?.[subjectColumn]).toBe(alice);
  });

  it("inserts the same event again when the transaction is tried again", async () => {
    const draft = draftOf();
    const record = await writer.prepare(draft);
    await writer.insert(tx, [record]);
    await writer.insert(tx, [record]);
    expect(sent.map(([id]) => id)).toEqual([draft.eventId, draft.eventId]);
    expect(keys.asked).toBe(1);
  });

  it("seals for whom the work found out that it concerns, although that costs a round trip", async () => {
    const draft = draftOf({ subjectId: undefined });
    const record = await writer.prepare(draft);
    draft.subjectId = bob;
    await writer.insert(tx, [record]);
    expect(sent[0]?.[subjectColumn]).toBe(bob);
  });

  it("passes on what Postgres says", async () => {
    const record = await writer.prepare(draftOf());
    const failing = { rows: () => Promise.reject(new Error("refused")) };
    await expect(writer.insert(failing, [record])).rejects.toThrow("refused");
  });
});
