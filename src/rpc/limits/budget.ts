// A budget of calls under a name: a class of calls or one method, counted by address, by principal or by account.
import { GatehouseError } from "../../kernel/errors.ts";
import type { Counter } from "../../kernel/metrics.ts";
import type { Limiter } from "../gcra.ts";
import type { Decision, Rate } from "./ports.ts";
import type { QuotaWriter } from "./quota-metadata.ts";
import type { SharedCounting } from "./shared-counting.ts";

export type Scope = "address" | "principal" | "account";

export interface Budget {
  /** Class or method, as refusals name it. */
  readonly name: string;
  readonly rate: Rate;
  /** Counts and logs, and refuses nobody. */
  readonly shadow: boolean;
  readonly quotaOf: QuotaWriter;
  /** Let in with fewer calls left than this is near the limit. */
  readonly nearBelow: number;
  readonly near: Counter;
  /** Of refusals, or in shadow mode of what would have been one. */
  readonly over: Counter;
  /** `cost` calls, 1 unless it says otherwise. With a promise when all replicas count together. Throws LIMITS_UNAVAILABLE when that fails and the class is closed then. */
  take(key: string, now: Date, cost?: number): Decision | Promise<Decision>;
  /** What this process knows without counting; undefined when only the store knows. */
  peek(key: string, now: Date): Decision | undefined;
}

export type Counting = Pick<Budget, "take" | "peek">;

export function countHere(limiter: Limiter): Counting {
  return {
    take: (key, now, cost) => limiter.take(key, now.getTime(), cost),
    peek: (key, now) => limiter.peek(key, now.getTime()),
  };
}

function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof GatehouseError && thrown.reason === "LIMITS_UNAVAILABLE";
}

/** `fallback`: counts while the store does not answer; undefined = the call is refused then. */
export function countTogether(
  counting: SharedCounting,
  name: string,
  rate: Rate,
  fallback: Limiter | undefined,
): Counting {
  const instead = (thrown: unknown, key: string, now: Date, cost: number | undefined): Decision => {
    if (fallback === undefined || !isUnavailable(thrown)) throw thrown;
    return fallback.take(key, now.getTime(), cost);
  };
  return {
    take(key, now, cost) {
      try {
        const decision = counting.take(name, key, rate, now, cost);
        return decision instanceof Promise ? decision.catch((thrown) => instead(thrown, key, now, cost)) : decision;
      } catch (thrown) {
        return instead(thrown, key, now, cost);
      }
    },
    peek: () => undefined,
  };
}
