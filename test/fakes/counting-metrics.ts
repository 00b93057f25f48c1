// Metrics that a test reads: what was counted, by name and labels.
import { type Metrics, noMetrics } from "../../src/kernel/metrics.ts";

export interface CountingMetrics extends Metrics {
  /** What is not nought, by labels as `name=value`, in the order of their names. */
  read(name: string): Readonly<Record<string, number>>;
}

export function countingMetrics(): CountingMetrics {
  const counts = new Map<string, Record<string, number>>();
  return {
    ...noMetrics,
    counter: ({ name }) => ({
      with(values) {
        const labels = Object.entries<string>(values)
          .map(([label, value]) => `${label}=${value}`)
          .sort()
          .join(" ");
        const family = counts.get(name) ?? {};
        counts.set(name, family);
        return {
          add: (amount = 1) => {
            family[labels] = (family[labels] ?? 0) + amount;
          },
        };
      },
    }),
    read: (name) => counts.get(name) ?? {},
  };
}
