// Who watches a part at work. Parts are given both and use what they have something to say to.
import { type Metrics, noMetrics } from "./metrics.ts";
import { noTracer, type Tracer } from "./tracer.ts";

export interface Observer {
  readonly metrics: Metrics;
  readonly tracer: Tracer;
}

/** For tests, and for commands that serve nobody. */
export const unobserved: Observer = { metrics: noMetrics, tracer: noTracer };
