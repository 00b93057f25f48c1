// Wraps data keys again, a batch and its record at a time: under the key of another home, or another version of the same one.
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { systemRecord } from "../../kernel/system-record.ts";
import type { UnitOfWork } from "../../kernel/unit-of-work.ts";
import type { KeyWrapper, WrappedRow, WrappedRows } from "../ports.ts";

export interface RewrapDeps {
  /** Opens what is there, and wraps as it shall be. */
  readonly wrapper: KeyWrapper;
  /** What each record says beside table and number. */
  readonly details: Readonly<Record<string, string>>;
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Moved {
  readonly moved: number;
  /** Did not open, and are as they were: damaged before, or moved to another row. */
  readonly left: number;
}

export interface Rewrap {
  /** How many opened, and are wrapped anew. */
  rewrapBatch(rows: WrappedRows, batch: readonly WrappedRow[]): Promise<number>;
  /** Of the rows whose wrapping key has an id that begins so. */
  rewrapAll(rows: WrappedRows, prefix: string): Promise<Moved>;
}

export function createRewrap({ wrapper, details, unitOfWork, clock, logger }: RewrapDeps): Rewrap {
  async function rewrapBatch(rows: WrappedRows, batch: readonly WrappedRow[]): Promise<number> {
    const opened = await wrapper.unwrap(batch);
    const good = batch.flatMap((row, at) => {
      const dataKey = opened[at];
      return dataKey === undefined ? [] : [{ row, dataKey, context: row.context }];
    });
    const keys = await wrapper.wrap(good);
    for (const { dataKey } of good) dataKey.fill(0);
    if (good.length === 0) return 0;
    const [{ kekId, kekVersion } = { kekId: "", kekVersion: 0 }] = keys;
    const told = { table: rows.name, keys: good.length, kek_id: kekId, kek_version: kekVersion, ...details };
    await unitOfWork.commit(systemRecord({ event: "key.rewrapped", now: clock.now(), details: told }), (tx) =>
      rows.replace(
        tx,
        good.map(({ row }) => row),
        keys,
      ),
    );
    return good.length;
  }

  return {
    rewrapBatch,
    async rewrapAll(rows, prefix) {
      let [moved, left] = [0, 0];
      for await (const batch of rows.pages(prefix)) {
        const done = await rewrapBatch(rows, batch);
        moved += done;
        left += batch.length - done;
      }
      logger.info({ table: rows.name, moved, left }, "moved wrapped keys");
      return { moved, left };
    },
  };
}
