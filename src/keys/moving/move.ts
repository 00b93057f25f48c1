// Moves every wrapped data key from one home to another, a batch and its record at a time. It may be killed at any point and run
// again: from the first step to the last the installation's own keys lie in both homes, and no server starts on such a
// database; so nothing is ever written that the other half could not read.
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { StartRefused } from "../../kernel/start-refused.ts";
import type { UnitOfWork } from "../../kernel/unit-of-work.ts";
import type { KeyWrapper, SigningKeyHome, WrappedRow, WrappedRows } from "../ports.ts";
import { createRewrap, type Moved } from "./rewrap.ts";

export interface MoveDeps {
  readonly from: SigningKeyHome["name"];
  readonly to: SigningKeyHome["name"];
  /** Opens in both homes, wraps in `to`. */
  readonly wrapper: KeyWrapper;
  /** The installation's own keys. */
  readonly purposes: WrappedRows;
  /** Everybody else's. */
  readonly others: readonly WrappedRows[];
  /** Throws StartRefused while a server works on the database. */
  readonly requireNoServer: () => Promise<void>;
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The beginning of the ids of the wrapping keys of a home. */
function prefixOf(home: SigningKeyHome["name"]): string {
  return `${home}-`;
}

async function all(rows: WrappedRows, home: SigningKeyHome["name"]): Promise<readonly WrappedRow[]> {
  const found: WrappedRow[] = [];
  for await (const page of rows.pages(prefixOf(home))) found.push(...page);
  return found;
}

export function createMove(deps: MoveDeps): () => Promise<Moved> {
  const { from, to, purposes, others } = deps;

  const { rewrapBatch: moveBatch, rewrapAll } = createRewrap({ ...deps, details: { from, to } });
  const moveAll = (rows: WrappedRows): Promise<Moved> => rewrapAll(rows, prefixOf(from));

  /** All but the last that is needed for work: from here on neither home's servers start. */
  async function begin(): Promise<number> {
    const begun = (await all(purposes, to)).length > 0;
    const waiting = await all(purposes, from);
    if (begun || waiting.length < 2) return 0;
    return await moveBatch(purposes, waiting.slice(1));
  }

  return async () => {
    let moved = await begin();
    // Again: one that started just before would go on as if nothing moved.
    await deps.requireNoServer();
    let left = 0;
    for (const rows of others) {
      const done = await moveAll(rows);
      moved += done.moved;
      left += done.left;
    }
    const last = await moveAll(purposes);
    if (last.left > 0)
      throw new StartRefused("the installation's own keys do not open: restore the keys that belong to it");
    return { moved: moved + last.moved, left };
  };
}
