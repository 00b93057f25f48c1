// The arithmetic of the generic cell rate algorithm in whole microseconds, so that every store and every replica computes
// the same to the last call. Doubles and bigints hold today's Unix microseconds exactly; nanoseconds they do not.
import type { Decision, Rate } from "./ports.ts";

export interface Cells {
  /** What one call costs. */
  readonly step: number;
  /** What may be owed at most: as many steps as there are calls in the budget. */
  readonly burst: number;
}

/** Beyond a million calls a second the step would be nothing; such rates count as a million. */
export function cellsOf(rate: Rate): Cells {
  const step = Math.max(1, Math.floor((rate.perMs * 1000) / rate.count));
  return { step, burst: step * rate.count };
}

/** What a store holds of a key once it has decided. */
export interface Held {
  /** Unix microseconds by which everything that was let in is paid off. */
  readonly arrival: number;
  /** Refusals since the key was last let in, counted to two. */
  readonly refusals: number;
}

const milliseconds = (micros: number) => Math.ceil(micros / 1000);

export function decisionOf(held: Held, cells: Cells, now: number, cost: number): Decision {
  const { step, burst } = cells;
  // More than the burst is owed only to a clock that ran ahead; nobody is told to wait for that long.
  const owed = Math.min(Math.max(held.arrival - now, 0), burst);
  const allowed = held.refusals === 0;
  return {
    allowed,
    remaining: Math.floor((burst - owed) / step),
    wholeAfterMs: milliseconds(owed),
    retryAfterMs: allowed ? 0 : milliseconds(Math.max(owed + cost * step - burst, 1)),
    first: held.refusals === 1,
  };
}
