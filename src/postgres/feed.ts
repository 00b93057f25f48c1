// The tail of the feed: what other replicas revoked reaches this one within a second, or this one knows that it is behind.
import type { Clock } from "../kernel/clock.ts";
import type { FeedEvent, LoneWriter, Reader, Row } from "../kernel/database.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Freshness } from "../kernel/ports.ts";
import { collectStatement, tailStatement } from "./feed-statements.ts";

export interface FeedTailDeps {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In the order of their numbers. An event may come again, so taking it twice must change nothing. Must not throw. */
  readonly onEvents: (events: readonly FeedEvent[]) => void;
  readonly intervalMs?: number;
}

export interface FeedTail extends Freshness {
  /** Resolves when every live event was handed over; then looks for new ones until stopped. Errors: DATABASE_UNAVAILABLE. */
  start(): Promise<void>;
  /** How long ago the last look that was answered began, in milliseconds. */
  age(now: Date): number;
  /** Looks once, now, and hands over what is new. */
  poll(): Promise<void>;
  stop(): Promise<void>;
}

interface TailRow extends Row {
  readonly head: number;
  readonly number: number | null;
  readonly kind: FeedEvent["kind"];
  readonly key: string;
  readonly expires_at: Date;
}

/** The promise: a revoked credential is dead within this time, or the replica asks the database. */
const freshForMs = 1_000;
const defaultIntervalMs = 250;
const pageSize = 1_000;

export function createFeedTail(deps: FeedTailDeps): FeedTail {
  const { reader, clock, logger, onEvents, intervalMs = defaultIntervalMs } = deps;
  let last = 0;
  let seenAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let polling: Promise<void> | undefined;
  let stopped = false;

  /** One page; true when there may be more. */
  async function readPage(now: Date): Promise<boolean> {
    const rows = await reader.rows<TailRow>(tailStatement, [last, now.toISOString(), pageSize]);
    const head = rows[0]?.head ?? 0;
    if (head < last) {
      logger.warn({ head, last }, "the feed went back, so the database was set back: reading it whole");
      last = 0;
      return true;
    }
    const events = rows.filter((row) => row.number !== null);
    if (events.length > 0) onEvents(events.map(({ kind, key, expires_at }) => ({ kind, key, expiresAt: expires_at })));
    // A full page may end below the head; otherwise everything up to the head is known, rows collected meanwhile included.
    const full = events.length === pageSize;
    last = full ? (events.at(-1)?.number ?? last) : head;
    return full;
  }

  async function readAll(): Promise<void> {
    // Taken before asking: the answer is at least as new as this.
    const now = clock.now();
    while (await readPage(now));
    seenAt = now.getTime();
  }

  /** One look at a time; whoever asks meanwhile shares its answer. */
  function poll(): Promise<void> {
    polling ??= readAll().finally(() => {
      polling = undefined;
    });
    return polling;
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => {
      poll()
        .catch((error: unknown) => logger.warn({ err: error }, "the feed could not be read"))
        .finally(schedule);
    }, intervalMs);
    timer.unref();
  }

  return {
    age: (now) => Math.max(0, now.getTime() - seenAt),
    // Both ways, because a wall clock that was set back must not make an old look fresh.
    fresh: (now) => Math.abs(now.getTime() - seenAt) < freshForMs,
    poll,
    start: async () => {
      await poll();
      schedule();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await polling?.catch(() => {});
    },
  };
}

const collectBatch = 5_000;

/** The job that removes events that mean nothing any more. Answers how many went. */
export async function collectExpired(writer: LoneWriter, now: Date): Promise<number> {
  let total = 0;
  for (;;) {
    const gone = await writer.write(collectStatement, [now.toISOString(), collectBatch]);
    total += gone.length;
    if (gone.length < collectBatch) return total;
  }
}
