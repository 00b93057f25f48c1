// The generic cell rate algorithm: one instant a key, exact, smooth, and it knows when to come back. Ours rather than
// a library's, because limits are what Gatehouse is for; docs/decisions/0006-limits.md.

export interface Rate {
  /** Calls at once, and calls a period. */
  readonly count: number;
  readonly perMs: number;
}

export type Decision =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      readonly retryAfterMs: number;
      /** True for the first refusal since the key was last allowed. */
      readonly first: boolean;
    };

export interface Limiter {
  take(key: string, now: number): Decision;
  readonly rate: Rate;
  /** Keys held; never more than were asked for at creation. */
  readonly size: number;
}

const allowed: Decision = { allowed: true };

// Rounding must not refuse the last call of a burst. Times are kept since `headStart` before the first call, because
// sums of fractions around today's Unix milliseconds are off by more than this.
const slackMs = 0.01;
const headStart = 1e9;

export function createLimiter(rate: Rate, maxKeys = 100_000): Limiter {
  const step = rate.perMs / rate.count;
  // Theoretical arrival time by key. A negative one marks a key that was refused since.
  const arrivals = new Map<string, number>();
  let origin: number | undefined;

  /** Forgets the tenth that owes least; of those, nobody whose debt matters while others owe less. */
  function makeRoom(): void {
    const debts = Float64Array.from(arrivals.values(), Math.abs).sort();
    const bound = debts[Math.floor(maxKeys / 10)] ?? 0;
    const kept = maxKeys - Math.floor(maxKeys / 10) - 1;
    for (const [key, arrival] of arrivals) {
      if (arrivals.size <= kept) break;
      if (Math.abs(arrival) <= bound) arrivals.delete(key);
    }
  }

  return {
    rate,
    get size() {
      return arrivals.size;
    },
    take(key, now) {
      origin ??= now - headStart;
      const at = Math.max(1, now - origin);
      const known = arrivals.get(key);
      const arrival = known === undefined ? at : Math.max(Math.abs(known), at);
      const wait = arrival + step - at - rate.perMs;
      if (wait > slackMs) {
        arrivals.set(key, -arrival);
        return { allowed: false, retryAfterMs: Math.ceil(wait), first: known === undefined || known > 0 };
      }
      if (known === undefined && arrivals.size >= maxKeys) makeRoom();
      arrivals.set(key, arrival + step);
      return allowed;
    },
  };
}
