// When there is too much to do, calls are turned away before they cost anything, the least important first.
import { GatehouseError } from "../../kernel/errors.ts";
import type { Counter, Metrics } from "../../kernel/metrics.ts";
import type { Pressure } from "../limits/pressure.ts";
import type { PriorityName } from "../policy.ts";
import type { Step } from "../step.ts";

export interface ShedStepDeps {
  readonly pressure: Pressure;
  readonly metrics: Metrics;
}

const retryAfterMs = 1_000;

export function createShedStep({ pressure, metrics }: ShedStepDeps): Step {
  const turnedAway = metrics.counter({
    name: "gatehouse_calls_shed_total",
    help: "Calls turned away because the process had too much to do.",
    labels: ["priority"],
  });
  const counters: Readonly<Record<PriorityName, Counter>> = {
    health: turnedAway.with({ priority: "health" }),
    critical: turnedAway.with({ priority: "critical" }),
    normal: turnedAway.with({ priority: "normal" }),
    bulk: turnedAway.with({ priority: "bulk" }),
  };
  metrics.gauge({ name: "gatehouse_calls_running", help: "Calls under way, streams apart." }, () => [
    [{}, pressure.running],
  ]);
  metrics.gauge(
    { name: "gatehouse_overload_lag_seconds", help: "How late the event loop is, of two looks the better." },
    () => [[{}, pressure.lagMs / 1000]],
  );
  return {
    name: "shed",
    reason: "outside audit: when there is too much to do, a record of each refusal would make it more",
    after: ["log"],
    enter({ entry }) {
      // Streams stay for hours and mostly wait; they are bounded for each caller.
      if (entry.method.methodKind === "unary") pressure.begin();
      if (!pressure.turnsAway(entry.priority)) return;
      counters[entry.priority].add();
      throw new GatehouseError("OVERLOADED", { retryAfterMs });
    },
    leave({ entry }) {
      if (entry.method.methodKind === "unary") pressure.end();
    },
  };
}
