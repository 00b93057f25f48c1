// The gRPC service config of the channel (gRFC A2, A6): which methods are retried, and when no longer.
import type { DescService } from "@bufbuild/protobuf";
import { traitsOf } from "../core/method-traits.ts";
import { type RetryOptions, retryThrottling, withRetryDefaults } from "../core/retry-options.ts";

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
  const { maxAttempts, initialBackoffMs, maxBackoffMs } = withRetryDefaults(retry);
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
    retryThrottling,
  };
}
