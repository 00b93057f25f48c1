// What is counted of limits. Labels come from closed sets: classes of calls, kinds of store, priorities.
import type { Counter, Family, Histogram, Metrics } from "../../kernel/metrics.ts";

export interface LimitMeters {
  /** Let in with less than a fifth of the budget left. */
  readonly near: Family<"limit", Counter>;
  readonly over: Family<"limit", Counter>;
  /** Would have been refused. */
  readonly shadow: Family<"limit", Counter>;
  readonly storeSeconds: Family<"store", Histogram>;
  readonly storeFailures: Family<"store", Counter>;
}

export function createLimitMeters(metrics: Metrics): LimitMeters {
  return {
    near: metrics.counter({
      name: "gatehouse_limit_near_total",
      help: "Calls let in with less than a fifth of the caller's budget left.",
      labels: ["limit"],
    }),
    over: metrics.counter({
      name: "gatehouse_limit_over_total",
      help: "Calls refused because the caller's budget was used up.",
      labels: ["limit"],
    }),
    shadow: metrics.counter({
      name: "gatehouse_limit_shadow_total",
      help: "Calls over a limit in shadow mode, which were let in all the same.",
      labels: ["limit"],
    }),
    storeSeconds: metrics.histogram({
      name: "gatehouse_limit_store_seconds",
      help: "Time that the shared counts took to answer.",
      labels: ["store"],
      bounds: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    }),
    storeFailures: metrics.counter({
      name: "gatehouse_limit_store_failures_total",
      help: "Times that the shared counts did not answer.",
      labels: ["store"],
    }),
  };
}
