// How often and how patiently a call is repeated, whatever carries it.

export interface RetryOptions {
  /** The first attempt included; 1 = never retry, at most 5. Default 4. */
  readonly maxAttempts?: number;
  /** Default 100; the wait before each attempt is a random part of a bound that doubles. */
  readonly initialBackoffMs?: number;
  /** Default 2,000. */
  readonly maxBackoffMs?: number;
}

/** Throws RangeError. */
export function withRetryDefaults(retry: RetryOptions): Required<RetryOptions> {
  const { maxAttempts = 4, initialBackoffMs = 100, maxBackoffMs = 2_000 } = retry;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > 5) {
    throw new RangeError("retry.maxAttempts must be 1 to 5");
  }
  return { maxAttempts, initialBackoffMs, maxBackoffMs };
}

/** When half of the recent calls fail, retries stop, so that a server in trouble is not buried (gRFC A6). */
export const retryThrottling = { maxTokens: 20, tokenRatio: 0.1 } as const;
