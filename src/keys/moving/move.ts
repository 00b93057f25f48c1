// Moves every wrapped data key from one home to another, a batch and its record at a time. It may be killed at any point and run
// again: from the first step to the last the installation's own keys lie in both homes, and no server starts on such a
// database; so nothing is ever written that the other half could not read.
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { StartRefused } from "../../kernel/start-refused.ts";
import { systemRecord } from "../../kernel/system-record.ts";
import type { UnitOfWork } from "../../kernel/unit-of-work.ts";
import type { KeyWrapper, SigningKeyHome, WrappedRow, WrappedRows } from "../ports.ts";

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

export interface Moved {
  readonly moved: number;
  /** Did not open, and are as they were: damaged before, or moved to another row. */
  readonly left: number;
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
  const { from, to, wrapper, purposes, others, unitOfWork, clock, logger } = deps;

  async function moveBatch(rows: WrappedRows, batch: readonly WrappedRow[]): Promise<number> {
    const opened = await wrapper.unwrap(batch);
    const good = batch.flatMap((row, at) => {
      const dataKey = opened[at];
      return dataKey === undefined ? [] : [{ row, dataKey, context: row.context }];
    });
    const keys = await wrapper.wrap(good);
    for (const { dataKey } of good) dataKey.fill(0);
    if (good.length === 0) return 0;
    const details = { table: rows.name, keys: good.length, from, to };
    await unitOfWork.commit(systemRecord({ event: "key.rewrapped", now: clock.now(), details }), (tx) =>
      rows.replace(
        tx,
        good.map(({ row }) => row),
        keys,
      ),
    );
    return good.length;
  }

  async function moveAll(rows: WrappedRows): Promise<Moved> {
    let [moved, left] = [0, 0];
    for await (const batch of rows.pages(prefixOf(from))) {
      const done = await moveBatch(rows, batch);
      moved += done;
      left += batch.length - done;
    }
    logger.info({ table: rows.name, moved, left }, "moved wrapped keys");
    return { moved, left };
  }

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
