// The only way to write: an effect and its evidence commit together, or neither exists.
import type { AuditDraft } from "./audit.ts";
import type { Transaction } from "./database.ts";

export interface UnitOfWork {
  /**
   * Runs `work` in one transaction, then stores `draft` (which `work` may still have added to) and the announced feed
   * events in the same transaction, then commits.
   *
   * Atomic: when anything throws, nothing happened and the error is passed on. A serialization failure or deadlock is
   * tried again, so `work` must not act outside `tx`. Errors: DATABASE_UNAVAILABLE when nothing was committed,
   * OUTCOME_UNKNOWN when the answer to COMMIT was lost.
   */
  commit<T>(draft: AuditDraft, work: (tx: Transaction) => Promise<T>): Promise<T>;
}
