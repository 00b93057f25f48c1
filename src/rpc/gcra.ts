// The generic cell rate algorithm in this process: one instant a key, exact, smooth, and it knows when to come back. Ours
// rather than a library's, because limits are what Gatehouse is for; docs/decisions/0006-limits.md.
import type { Decision, Rate } from "./limits/ports.ts";

export interface Limiter {
  /** `cost` calls at once, or none of them; 1 unless it says otherwise. */
  take(key: string, now: number, cost?: number): Decision;
  /** What `take` would find, without counting. */
  peek(key: string, now: number): Decision;
  /** Whoever has used up a share of the budget has used up that share of the new one. */
  update(rate: Rate, now: number): void;
  readonly rate: Rate;
  /** Keys held; never more than were asked for at creation. */
  readonly size: number;
}

// Rounding must not refuse the last call of a burst. Times are kept since `headStart` before the first call, because
// sums of fractions around today's Unix milliseconds are off by more than this.
const slackMs = 0.01;
const headStart = 1e9;

export function createLimiter(initial: Rate, maxKeys = 100_000): Limiter {
  let rate = initial;
  let step = rate.perMs / rate.count;
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

  function instant(now: number): number {
    origin ??= now - headStart;
    return Math.max(1, now - origin);
  }

  /** A debt in time would outlive the period that it was made under: an hour of waiting for a budget a second. */
  function rescale(factor: number, at: number): void {
    for (const [key, arrival] of arrivals) {
      const owed = Math.min(Math.abs(arrival) - at, rate.perMs);
      if (owed > 0) arrivals.set(key, Math.sign(arrival) * (at + owed * factor));
    }
  }

  function admission(owed: number): Decision {
    const remaining = Math.max(0, Math.floor((rate.perMs - owed + slackMs) / step));
    return { allowed: true, remaining, wholeAfterMs: owed, retryAfterMs: 0, first: false };
  }

  function refusal(wait: number, first: boolean): Decision {
    const { perMs } = rate;
    // A clock that stepped back, or a shorter period than before: nobody is told to wait for longer than a whole budget.
    return { allowed: false, remaining: 0, wholeAfterMs: perMs, retryAfterMs: Math.ceil(Math.min(wait, perMs)), first };
  }

  return {
    get rate() {
      return rate;
    },
    get size() {
      return arrivals.size;
    },
    take(key, now, cost = 1) {
      const due = cost * step;
      const at = instant(now);
      const known = arrivals.get(key);
      const arrival = known === undefined ? at : Math.max(Math.abs(known), at);
      const wait = arrival + due - at - rate.perMs;
      if (wait > slackMs) {
        arrivals.set(key, -arrival);
        return refusal(wait, known === undefined || known > 0);
      }
      if (known === undefined && arrivals.size >= maxKeys) makeRoom();
      arrivals.set(key, arrival + due);
      return admission(arrival + due - at);
    },
    peek(key, now) {
      const at = instant(now);
      const owed = Math.max(0, Math.abs(arrivals.get(key) ?? 0) - at);
      return owed > rate.perMs ? refusal(owed + step - rate.perMs, false) : admission(owed);
    },
    update(changed, now) {
      if (changed.perMs !== rate.perMs) rescale(changed.perMs / rate.perMs, instant(now));
      rate = changed;
      step = rate.perMs / rate.count;
    },
  };
}
