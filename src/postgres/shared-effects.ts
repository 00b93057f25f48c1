// Group commit of effects: what comes at the same time and is the same statement shares a transaction, with the records of
// all of it. A transaction of its own costs each call half a millisecond of Postgres and of this process, a share a fifth of that
// (docs/decisions/0049-shared-effects.md).
import { type AuditDraft, type AuditWriter, mostRecordsTogether, type PreparedRecord } from "../kernel/audit.ts";
import type { Transaction } from "../kernel/database.ts";
import { GatehouseError } from "../kernel/errors.ts";
import { createGrouping, type Grouping } from "../kernel/grouping.ts";
import type { SharedEffect, UnitOfWork } from "../kernel/unit-of-work.ts";
import type { Closing } from "./transaction.ts";

type Transact = <T>(work: (tx: Transaction) => Promise<T>, closing: Closing) => Promise<T>;

interface Member {
  readonly input: unknown;
  readonly record: PreparedRecord;
}

type Answers = readonly unknown[];

/** While two groups are under way the next one grows. */
const lanes = 2;

/** Nothing else can be said of a member alone: the database does not answer, or nobody knows what became of the group. */
function concernsAll(error: unknown): boolean {
  return (
    error instanceof GatehouseError && (error.reason === "DATABASE_UNAVAILABLE" || error.reason === "OUTCOME_UNKNOWN")
  );
}

export function createCommitTogether(audit: AuditWriter, transact: Transact): UnitOfWork["commitTogether"] {
  const groupings = new WeakMap<SharedEffect<never, unknown>, Grouping<Member, unknown>>();

  async function apply(effect: SharedEffect<never, unknown>, group: readonly Member[]): Promise<Answers> {
    let answers: Answers = [];
    const inputs = group.map(({ input }) => input as never);
    await transact(
      async (tx) => {
        answers = await effect.apply(tx, inputs);
        if (answers.length !== group.length) throw new TypeError("an effect answered for another number of inputs");
      },
      async (tx) => {
        const applied = group.filter((_, index) => answers[index] !== undefined);
        const records = applied.map(({ record }) => record);
        if (records.length > 0) await audit.insert(tx, records);
      },
    );
    return answers;
  }

  function groupingOf(effect: SharedEffect<never, unknown>): Grouping<Member, unknown> {
    const known = groupings.get(effect);
    if (known !== undefined) return known;
    const grouping = createGrouping<Member, unknown>({
      lanes,
      size: mostRecordsTogether,
      async run(group) {
        try {
          return await apply(effect, group);
        } catch (error) {
          if (group.length === 1 || concernsAll(error)) throw error;
          // One member spoiled it for the others. Nothing was committed; each goes on alone and meets what concerns it.
          return group.map(() => undefined);
        }
      },
    });
    groupings.set(effect, grouping);
    return grouping;
  }

  return async <Input, Answer>(draft: AuditDraft, effect: SharedEffect<Input, Answer>, input: Input) => {
    const record = await audit.prepare(draft);
    return (await groupingOf(effect).add({ input, record })) as Answer | undefined;
  };
}
