// Whether and when a failed call is tried again: what gRPC's own clients do (gRFC A6), for transports without it.
import { Code, type ConnectError } from "@connectrpc/connect";
import { type RetryOptions, retryThrottling, withRetryDefaults } from "../core/retry-options.ts";

export interface Patience {
  /** Tells of a call that succeeded. */
  good(): void;
  /** Milliseconds to wait before attempt `next` (2, 3 ...); undefined = do not try again. */
  afterFailure(error: ConnectError, next: number): number | undefined;
}

const wholeNumber = /^\d{1,9}$/;

/** What the server says: undefined = nothing, "never", or milliseconds. */
function pushbackOf({ metadata }: ConnectError): number | "never" | undefined {
  const pushback = metadata.get("grpc-retry-pushback-ms");
  if (pushback !== null) return wholeNumber.test(pushback) ? Number(pushback) : "never";
  const seconds = metadata.get("retry-after");
  return seconds !== null && wholeNumber.test(seconds) ? Number(seconds) * 1_000 : undefined;
}

/** `random` answers from 0 up to before 1. */
export function createPatience(retry: RetryOptions, random: () => number): Patience {
  const { maxAttempts, initialBackoffMs, maxBackoffMs } = withRetryDefaults(retry);
  const { maxTokens, tokenRatio } = retryThrottling;
  let tokens: number = maxTokens;

  return {
    good() {
      tokens = Math.min(maxTokens, tokens + tokenRatio);
    },
    afterFailure(error, next) {
      const pushback = pushbackOf(error);
      if (error.code !== Code.Unavailable && pushback !== "never") return undefined;
      tokens = Math.max(0, tokens - 1);
      if (error.code !== Code.Unavailable || pushback === "never") return undefined;
      if (next > maxAttempts || tokens <= maxTokens / 2) return undefined;
      return pushback ?? random() * Math.min(maxBackoffMs, initialBackoffMs * 2 ** (next - 2));
    },
  };
}
