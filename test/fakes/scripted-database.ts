// A database that answers statements by name from a script, and remembers what it was asked. A statement that is not in
// the script answers no rows. For handlers alone; SQL is tested on the real Postgres.
import type { FeedEvent, Reader, Row, Statement, Transaction } from "../../src/kernel/database.ts";
import type { UnitOfWork } from "../../src/kernel/unit-of-work.ts";

type Script = Readonly<Record<string, (parameters: readonly unknown[]) => readonly Row[] | Promise<readonly Row[]>>>;

export interface ScriptedDatabase extends Reader {
  readonly unitOfWork: UnitOfWork;
  /** Names of the statements, in order. */
  readonly asked: readonly string[];
  readonly announced: readonly FeedEvent[];
  /** How many transactions ended well. */
  readonly commits: () => number;
}

export function scriptedDatabase(script: Script = {}): ScriptedDatabase {
  const asked: string[] = [];
  const announced: FeedEvent[] = [];
  let commits = 0;
  async function rows<R extends Row>(statement: Statement, parameters: readonly unknown[]): Promise<R[]> {
    asked.push(statement.name);
    return [...((await script[statement.name]?.(parameters)) ?? [])] as R[];
  }
  const unitOfWork: UnitOfWork = {
    async commit(_draft, work) {
      const events: FeedEvent[] = [];
      const tx: Transaction = { rows, announce: (event) => void events.push(event) };
      const value = await work(tx);
      announced.push(...events);
      commits += 1;
      return value;
    },
    async commitTogether(_draft, effect, input) {
      const [answer] = await effect.apply({ rows, announce: (event) => void announced.push(event) }, [input]);
      if (answer !== undefined) commits += 1;
      return answer;
    },
  };
  return { rows, unitOfWork, asked, announced, commits: () => commits };
}
