// Counting for all replicas together. Who is over its limit is remembered here until it may come back, so that a flood does
// not reach the store; a store that does not answer is left alone for a moment, so that nobody waits for it in vain.
import { GatehouseError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import { createRecentMap } from "../../kernel/recent-map.ts";
import type { LimitMeters } from "./meters.ts";
import type { Decision, LimitKey, LimitStore, Rate } from "./ports.ts";

export interface SharedCounting {
  /** `cost` calls, 1 unless it says otherwise. Throws LIMITS_UNAVAILABLE, at once or later. */
  take(budget: string, key: string, rate: Rate, now: Date, cost?: number): Decision | Promise<Decision>;
  /** Rates have changed: who was over its limit may no longer be. */
  forget(): void;
}

export interface SharedCountingDeps {
  readonly store: LimitStore;
  readonly keyOf: LimitKey;
  readonly meters: LimitMeters;
  readonly logger: Logger;
}

const mostRemembered = 100_000;
/** How long a store that failed is left alone; also what callers are told to wait. */
export const storePauseMs = 1_000;

export function createSharedCounting({ store, keyOf, meters, logger }: SharedCountingDeps): SharedCounting {
  const over = createRecentMap<number>(mostRemembered);
  const answerSeconds = meters.storeSeconds.with({ store: store.kind });
  const failures = meters.storeFailures.with({ store: store.kind });
  let leftAloneUntil = 0;

  function unavailable(cause?: unknown): GatehouseError {
    return new GatehouseError("LIMITS_UNAVAILABLE", { retryAfterMs: storePauseMs, cause });
  }

  function failed(cause: unknown, now: Date): GatehouseError {
    failures.add();
    if (leftAloneUntil === 0) logger.warn({ err: cause, store: store.kind }, "the shared limits cannot be counted");
    leftAloneUntil = now.getTime() + storePauseMs;
    return unavailable(cause);
  }

  function answered(name: string, decision: Decision, now: Date, cost: number): Decision {
    if (leftAloneUntil !== 0) logger.info({ store: store.kind }, "the shared limits are counted again");
    leftAloneUntil = 0;
    // Who cannot have many at once may still have one.
    if (!decision.allowed && cost === 1) over.set(name, now.getTime() + decision.retryAfterMs);
    return decision;
  }

  async function ask(name: string, key: Buffer, rate: Rate, now: Date, cost: number): Promise<Decision> {
    const begun = performance.now();
    try {
      const decision = await store.take(key, rate, now, cost);
      answerSeconds.record((performance.now() - begun) / 1000);
      return answered(name, decision, now, cost);
    } catch (cause) {
      throw failed(cause, now);
    }
  }

  return {
    take(budget, key, rate, now, cost = 1) {
      const name = `${budget}\u0000${key}`;
      const left = (over.get(name) ?? 0) - now.getTime();
      if (left > 0 && left <= rate.perMs)
        return { allowed: false, remaining: 0, wholeAfterMs: rate.perMs, retryAfterMs: left, first: false };
      // A clock that stepped back must not leave the store alone for ever.
      const pause = leftAloneUntil - now.getTime();
      if (pause > 0 && pause <= storePauseMs) throw unavailable();
      return ask(name, keyOf([budget, key]), rate, now, cost);
    },
    forget: () => over.sweep(() => true),
  };
}
