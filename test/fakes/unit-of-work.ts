// A unit of work whose transactions do nothing, that remembers which records were committed and can be scripted to
// fail or to wait.
import type { AuditDraft } from "../../src/kernel/audit.ts";
import type { Transaction } from "../../src/kernel/database.ts";
import type { UnitOfWork } from "../../src/kernel/unit-of-work.ts";

export interface FakeUnitOfWork extends UnitOfWork {
  readonly committed: readonly AuditDraft[];
  /** Runs in place of COMMIT; a throw means that nothing was committed. */
  beforeCommit: () => void | Promise<void>;
  /** Runs after COMMIT; a throw means that the answer to it was lost. */
  afterCommit: () => void | Promise<void>;
}

/** What a fake store does in a transaction it hands in here, so that it happens with the commit or not at all. */
export interface FakeTransaction extends Transaction {
  atCommit(effect: () => void): void;
}

export function createFakeUnitOfWork(): FakeUnitOfWork {
  const committed: AuditDraft[] = [];
  return {
    committed,
    beforeCommit() {},
    afterCommit() {},
    async commit(draft, work) {
      const effects: (() => void)[] = [];
      const tx: FakeTransaction = {
        announce() {},
        rows: async () => [],
        atCommit: (effect) => void effects.push(effect),
      };
      const result = await work(tx);
      await this.beforeCommit();
      for (const effect of effects) effect();
      committed.push(structuredClone(draft));
      await this.afterCommit();
      return result;
    },
    async commitTogether(draft, effect, input) {
      let answer: Awaited<ReturnType<typeof effect.apply>>[number];
      const untouched = new Error("did not apply");
      await this.commit(draft, async (tx) => {
        [answer] = await effect.apply(tx, [input]);
        if (answer === undefined) throw untouched;
      }).catch((error: unknown) => {
        if (error !== untouched) throw error;
      });
      return answer;
    },
  };
}
