// The gRPC service config of the channel (gRFC A2, A6): which methods are retried, and when no longer.
import type { DescService } from "@bufbuild/protobuf";
import { traitsOf } from "../core/method-traits.ts";

export interface RetryOptions {
  /** The first attempt included; 1 = never retry, at most 5. Default 4. */
  readonly maxAttempts?: number;
  /** Default 100; the wait before each attempt is a random part of a bound that doubles. */
  readonly initialBackoffMs?: number;
  /** Default 2,000. */
  readonly maxBackoffMs?: number;
}

function seconds(ms: number): string {
  return `${ms / 1000}s`;
}

function repeatableMethods(services: readonly DescService[]): { service: string; method: string }[] {
  return services.flatMap((service) =>
    service.methods
      .filter((method) => traitsOf(method).repeatable)
      .map((method) => ({ service: service.typeName, method: method.name })),
  );
}

/**
 * Only methods whose repetition does no harm are retried, and only on UNAVAILABLE; a server's pushback is obeyed by
 * grpc-js. When half of the recent calls fail, retries stop, so that a server in trouble is not buried.
 */
export function serviceConfig(services: readonly DescService[], retry: RetryOptions, balanced: boolean): object {
  const { maxAttempts = 4, initialBackoffMs = 100, maxBackoffMs = 2_000 } = retry;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > 5) {
    throw new RangeError("retry.maxAttempts must be 1 to 5");
  }
  const methodConfig = {
    name: repeatableMethods(services),
    retryPolicy: {
      maxAttempts,
      initialBackoff: seconds(initialBackoffMs),
      maxBackoff: seconds(maxBackoffMs),
      backoffMultiplier: 2,
      retryableStatusCodes: ["UNAVAILABLE"],
    },
  };
  return {
    loadBalancingConfig: [balanced ? { round_robin: {} } : { pick_first: {} }],
    methodConfig: maxAttempts === 1 ? [] : [methodConfig],
    retryThrottling: { maxTokens: 20, tokenRatio: 0.1 },
  };
}
