// What limits need of the place where they count.

/** A budget of calls. */
export interface Rate {
  /** Calls at once, and calls a period. */
  readonly count: number;
  readonly perMs: number;
}

export interface Decision {
  readonly allowed: boolean;
  /** Calls that would still be let in at once. */
  readonly remaining: number;
  /** Until the whole budget is there again. */
  readonly wholeAfterMs: number;
  /** Until the same call would be let in; 0 when it was. */
  readonly retryAfterMs: number;
  /** True for the first refusal since the key was last let in. */
  readonly first: boolean;
}

/**
 * Counts calls for all replicas together, by the generic cell rate algorithm.
 *
 * Atomicity: one `take` is one atomic step. However many processes ask at once, no more is let in than the rate allows,
 * and no less; a refused call costs nothing.
 * Time: `now` is the asker's. A key never goes back in time: a clock that lags behind the one that counted last waits for
 * it, one that runs ahead by s gains `count * s / perMs` calls, once. See docs/decisions/0025-shared-limits.md.
 * Change: a debt that was made under another rate is the same share of this one. So a new limit holds at once, and what
 * was used up stays used up; replicas whose settings differ let in no more than the looser of them.
 * Durability: counts outlive every Gatehouse process. When the store itself crashes or fails over they may be forgotten,
 * which gives everyone a whole budget once.
 * Failure: rejects with LIMITS_UNAVAILABLE when the store does not answer within its time; the call may have been counted.
 */
export interface LimitStore {
  /** For logs and metrics. */
  readonly kind: "postgres" | "redis";
  /** `key` says nothing to whoever reads the store. `cost` is at least 1; one above the rate's count is always refused. */
  take(key: Buffer, rate: Rate, now: Date, cost: number): Promise<Decision>;
}

/** Turns what is counted into a key that says nothing: no login name and no address lies in the store. */
export type LimitKey = (parts: readonly string[]) => Buffer;
