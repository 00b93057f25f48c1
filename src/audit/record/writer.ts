// Stores a record in the transaction of its effect, for the unit of work.
import type { AuditWriter } from "../../kernel/audit.ts";
import type { Encoder, Prepared } from "./encoder.ts";
import { insertWithEffects } from "./store.ts";

export function createAuditWriter(encoder: Encoder): AuditWriter {
  return {
    prepare: (draft) => encoder.prepare(draft),
    async insert(tx, records) {
      const prepared = records as readonly Prepared[];
      const late = prepared.some(({ subjectId, draft }) => subjectId !== draft.subjectId);
      // Whom it concerns was found out inside the transaction: rare, and then the key has to be waited for here.
      const current = late ? await Promise.all(prepared.map(({ draft }) => encoder.prepare(draft))) : prepared;
      await insertWithEffects(tx, current.map(encoder.encodeFixed));
    },
  };
}
