// The tail of the feed: what other replicas revoked reaches this one within a second, or this one knows that it is behind.
import type { Clock } from "../kernel/clock.ts";
import type { FeedEvent, LoneWriter, Reader } from "../kernel/database.ts";
import type { Logger } from "../kernel/logger.ts";
import type { FeedReplay, Freshness } from "../kernel/ports.ts";
import { createFeedMemory, type NumberedEvent } from "./feed-memory.ts";
import { readFeedPage } from "./feed-page.ts";
import { collectStatement } from "./feed-statements.ts";
import { createLookTimer } from "./look-timer.ts";

export interface FeedTailDeps {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In the order of their numbers. An event may come again, so taking it twice must change nothing. Must not throw. */
  readonly onEvents: (events: readonly FeedEvent[]) => void;
  readonly intervalMs?: number;
}

export interface FeedTail extends Freshness, FeedReplay {
  /** Resolves when every live event was handed over; then looks for new ones until stopped. Errors: DATABASE_UNAVAILABLE. */
  start(): Promise<void>;
  /** How long ago the last look that was answered began, in milliseconds. */
  age(now: Date): number;
  /** Somebody says that there is something new: the next look comes at once. It may be wrong, and never needs to come. */
  hint(): void;
  stop(): Promise<void>;
}

/** The promise: a revoked credential is dead within this time, or the replica asks the database. */
const freshForMs = 1_000;
const defaultIntervalMs = 250;

/** Who waits for a look that is answered. */
function createLooks() {
  const waiting = new Set<() => void>();
  return {
    tell(): void {
      for (const resume of [...waiting]) resume();
    },
    next(signal: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const resume = (): void => {
          waiting.delete(resume);
          signal.removeEventListener("abort", resume);
          resolve();
        };
        waiting.add(resume);
        signal.addEventListener("abort", resume, { once: true });
      });
    },
  };
}

export function createFeedTail(deps: FeedTailDeps): FeedTail {
  const { reader, clock, logger, onEvents, intervalMs = defaultIntervalMs } = deps;
  const memory = createFeedMemory();
  let last = 0;
  let era = 0;
  let seenAt = Number.NEGATIVE_INFINITY;
  let polling: Promise<void> | undefined;
  const looks = createLooks();

  function handOver(events: readonly NumberedEvent[]): void {
    if (events.length === 0) return;
    memory.add(events);
    onEvents(events.map(({ event }) => event));
  }

  /** One page; true when there may be more. */
  async function readPage(now: Date): Promise<boolean> {
    const { head, events, full } = await readFeedPage(reader, last, now);
    if (head < last) {
      logger.warn({ head, last }, "the feed went back, so the database was set back: reading it whole");
      last = 0;
      era += 1;
      memory.forget();
      return true;
    }
    handOver(events);
    // A full page may end below the head; otherwise everything up to the head is known, rows collected meanwhile included.
    last = full ? (events.at(-1)?.number ?? last) : head;
    return full;
  }

  async function readAll(): Promise<void> {
    // Taken before asking: the answer is at least as new as this.
    const now = clock.now();
    while (await readPage(now));
    seenAt = now.getTime();
    looks.tell();
  }

  /** One look at a time; whoever asks meanwhile shares its answer. */
  function poll(): Promise<void> {
    polling ??= readAll().finally(() => {
      polling = undefined;
    });
    return polling;
  }

  const timer = createLookTimer({
    intervalMs,
    look: () => poll().catch((error: unknown) => logger.warn({ err: error }, "the feed could not be read")),
  });

  return {
    get era() {
      return era;
    },
    get head() {
      return last;
    },
    lookedAt: () => new Date(seenAt),
    age: (now) => Math.max(0, now.getTime() - seenAt),
    // Both ways, because a wall clock that was set back must not make an old look fresh.
    fresh: (now) => Math.abs(now.getTime() - seenAt) < freshForMs,
    async after(number, now) {
      const known = memory.after(number);
      if (known !== undefined) return { events: known, upTo: Math.max(number, last), more: false };
      const { head, events, full } = await readFeedPage(reader, number, now);
      const upTo = full ? (events.at(-1)?.number ?? number) : Math.max(number, head);
      return { events: events.map(({ event }) => event), upTo, more: full };
    },
    looked: looks.next,
    async poll() {
      // One that is under way may not see what is there by now.
      await polling?.catch(() => {});
      await poll();
    },
    hint: timer.hurry,
    start: async () => {
      await poll();
      timer.start();
    },
    stop: async () => {
      timer.stop();
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
