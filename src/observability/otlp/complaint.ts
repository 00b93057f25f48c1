// What the log says of a collector that takes nothing: one line a minute at the most, since it takes nothing of every batch.
import type { Logger } from "../../kernel/logger.ts";

const everyMs = 60_000;

/** `monotonic`: milliseconds that never go back. */
export function createComplaint(logger: Logger, monotonic: () => number): () => void {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = monotonic();
    if (now - last < everyMs) return;
    last = now;
    // The library's own text may hold the collector's answer, so it is not repeated.
    logger.warn({}, "the OpenTelemetry collector does not take what is sent; traces and metrics are dropped");
  };
}
