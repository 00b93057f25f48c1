// A feed that a test writes by hand: `tell` adds events and lets those who wait look.
import type { FeedEvent } from "../../src/kernel/database.ts";
import type { FeedReplay } from "../../src/kernel/ports.ts";

export interface FakeFeed extends FeedReplay {
  era: number;
  head: number;
  at: Date;
  /** Events in one page. */
  pageSize: number;
  /** In the database, and not yet known to this process. */
  hidden: number;
  tell(...events: readonly FeedEvent[]): void;
  /** A look that was answered, `ms` after the last one. */
  look(ms?: number): void;
  readonly waiting: number;
}

export function createFakeFeed(): FakeFeed {
  const events: FeedEvent[] = [];
  let waiting: (() => void)[] = [];
  const feed: FakeFeed = {
    era: 0,
    head: 0,
    at: new Date("2026-11-21T12:00:00.000Z"),
    pageSize: 1_000,
    hidden: 0,
    get waiting() {
      return waiting.length;
    },
    lookedAt: () => feed.at,
    async after(number) {
      const found = events.slice(number, number + feed.pageSize);
      const upTo = number + found.length;
      return { events: found, upTo, more: upTo < events.length };
    },
    async poll() {
      feed.head += feed.hidden;
      feed.hidden = 0;
    },
    looked: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        waiting.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
    tell(...more) {
      events.push(...more);
      feed.head = events.length;
      feed.look(0);
    },
    look(ms = 250) {
      feed.at = new Date(feed.at.getTime() + ms);
      const told = waiting;
      waiting = [];
      for (const resume of told) resume();
    },
  };
  return feed;
}
