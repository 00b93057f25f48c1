// The only way to write: an effect and its evidence commit together, or neither exists.
import type { AuditDraft } from "./audit.ts";
import type { Transaction } from "./database.ts";

/**
 * An effect that many calls have alike: one statement for all that come at the same time.
 *
 * `apply` answers for each input, in their order; undefined where the effect did not apply. It passes over rows that another
 * transaction holds, as if it did not apply to them, so that nobody waits for a stranger and no two groups wait for each other.
 */
export interface SharedEffect<Input, Answer> {
  readonly apply: (tx: Transaction, inputs: readonly Input[]) => Promise<readonly (Answer | undefined)[]>;
}

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
  /**
   * Commits the effect and `draft` in one transaction with others of the same effect that come at the same time: all of
   * them or none. `draft` must be as it shall be stored.
   *
   * Undefined = the effect did not apply, or could not be had together with the others; then nothing happened to this
   * input, nothing was recorded of it, and `commit` is the way to find out why. Errors: as `commit`.
   */
  commitTogether<Input, Answer>(
    draft: AuditDraft,
    effect: SharedEffect<Input, Answer>,
    input: Input,
  ): Promise<Answer | undefined>;
}
