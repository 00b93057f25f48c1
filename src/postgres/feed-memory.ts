// The newest events of the feed, kept so that many streams that go on from somewhere of late cost the database nothing.
import type { FeedEvent } from "../kernel/database.ts";

export interface NumberedEvent {
  readonly number: number;
  readonly event: FeedEvent;
}

export interface FeedMemory {
  /** In the order of their numbers, each higher than all before. */
  add(events: readonly NumberedEvent[]): void;
  /** What came after a number; undefined = that is too long ago to know. */
  after(number: number): readonly FeedEvent[] | undefined;
  forget(): void;
}

/** About 200 bytes each. */
const defaultCapacity = 4_000;

export function createFeedMemory(capacity = defaultCapacity): FeedMemory {
  let kept: NumberedEvent[] = [];
  /** All events above this number are in `kept`; undefined = none was added yet, so nobody knows what came before. */
  let from: number | undefined;

  return {
    add(events) {
      const [first] = events;
      if (first === undefined) return;
      from ??= first.number - 1;
      kept.push(...events);
      // Cut seldom: half of it each time.
      if (kept.length <= capacity) return;
      const cut = kept.length - Math.floor(capacity / 2);
      from = kept[cut - 1]?.number ?? from;
      kept = kept.slice(cut);
    },
    after(number) {
      if (from === undefined || number < from) return undefined;
      let start = kept.length;
      while (start > 0 && (kept[start - 1]?.number ?? 0) > number) start -= 1;
      return kept.slice(start).map(({ event }) => event);
    },
    forget() {
      kept = [];
      from = undefined;
    },
  };
}
