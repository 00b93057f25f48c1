// Stores a record in the transaction of its effect, for the unit of work.
import type { AuditWriter } from "../../kernel/audit.ts";
import type { Encoder, Prepared } from "./encoder.ts";
import { insertEvent } from "./store.ts";

export function createAuditWriter(encoder: Encoder): AuditWriter {
  return {
    prepare: (draft) => encoder.prepare(draft),
    async insert(tx, record) {
      const prepared = record as Prepared;
      // Whom it concerns was found out inside the transaction: rare, and then the key has to be waited for here.
      const current = prepared.subjectId === record.draft.subjectId ? prepared : await encoder.prepare(record.draft);
      await insertEvent(tx, encoder.encodeFixed(current));
    },
  };
}
