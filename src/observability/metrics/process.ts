// How the process itself fares, for scrapes and exports alike: whether its one thread keeps up.
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Metrics } from "../../kernel/metrics.ts";

const resolutionMs = 10;
/** The delays of this long a time; readers come at intervals of their own and must not take them from each other. */
const windowMs = 15_000;

/** Answers how to stop watching. */
export function watchProcess(metrics: Metrics): () => void {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let last: EventLoopUtilization = performance.eventLoopUtilization();
  let utilisation = 0;
  let seen: readonly (readonly ["0.5" | "0.99" | "1", number])[] = [];
  function close(): void {
    // A timer that fires on time is told as late by its own resolution.
    const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3) || 0;
    seen = [
      ["0.5", seconds(delays.percentile(50))],
      ["0.99", seconds(delays.percentile(99))],
      ["1", seconds(delays.max)],
    ];
    delays.reset();
    const now = performance.eventLoopUtilization();
    utilisation = performance.eventLoopUtilization(now, last).utilization;
    last = now;
  }
  const timer = setInterval(close, windowMs).unref();
  metrics.gauge<"quantile">(
    {
      name: "gatehouse_event_loop_delay_seconds",
      help: "How late timers were in the last 15 seconds: median, 99th percentile, worst.",
    },
    () => {
      if (seen.length === 0) close();
      return seen.map(([quantile, value]) => [{ quantile }, value]);
    },
  );
  metrics.gauge(
    { name: "gatehouse_event_loop_utilization_ratio", help: "Part of the last 15 seconds that the thread was busy." },
    () => [[{}, utilisation]],
  );
  return () => {
    clearInterval(timer);
    delays.disable();
  };
}
