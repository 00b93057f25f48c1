// What the load generator is asked and what it answers.
import type { Target } from "./connection.ts";

export interface LoadJob {
  readonly target: Target;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly authorization?: string;
  /** Serialised requests, base64. */
  readonly bodies: readonly string[];
  /** Each body once, instead of round and round until the time is up. */
  readonly once?: boolean;
  /** `refresh`: every slot goes on with the refresh token of its last answer; one body a slot. */
  readonly chain?: "refresh";
  readonly connections: number;
  /** Calls in flight over all connections. */
  readonly inFlight: number;
  readonly durationMs: number;
}

export interface LoadResult {
  /** Answered calls a second. */
  readonly rate: number;
  readonly answered: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The bodies ran out before the time did. */
  readonly exhausted: boolean;
  /** With `chain`: where each slot stands now, for the next job. */
  readonly last: readonly string[];
}
