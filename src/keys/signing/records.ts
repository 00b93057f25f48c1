// Changes of signing keys that no call asked for: each commits with its record, or finds that another replica was first.
import type { AuditDraft } from "../../kernel/audit.ts";
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { UnitOfWork } from "../../kernel/unit-of-work.ts";
import type { SigningKeyFacts } from "../ports.ts";

export interface RecordedChanges {
  /** Nothing can be changed before it. */
  begin(unitOfWork: UnitOfWork): void;
  /** `work` answers the key that it changed; undefined = there was nothing to do after all, and nothing is recorded. */
  commit(draft: AuditDraft, work: (tx: Transaction) => Promise<SigningKeyFacts | undefined>): Promise<void>;
}

export function createRecordedChanges(): RecordedChanges {
  let unitOfWork: UnitOfWork | undefined;
  return {
    begin(given) {
      unitOfWork = given;
    },
    async commit(draft, work) {
      if (unitOfWork === undefined) throw new GatehouseError("KEYS_UNAVAILABLE");
      // Kept apart from the error that ends the transaction, whose kind is the unit of work's business.
      let idle = false;
      try {
        await unitOfWork.commit(draft, async (tx) => {
          const key = await work(tx);
          idle = key === undefined;
          if (key === undefined) throw new GatehouseError("INTERNAL", { cause: new Error("another was first") });
          const { kid, algorithm, number, home, activatesAt } = key;
          draft.resources = [{ type: "signing_key", uid: kid }];
          draft.details = { algorithm, number, home, activates_at: activatesAt.toISOString() };
        });
      } catch (error) {
        if (!idle) throw error;
      }
    },
  };
}
