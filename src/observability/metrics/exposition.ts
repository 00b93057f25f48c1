// The ledger in the Prometheus text format, with prom-client's metrics of the process beside it. Loaded when somebody
// wants to scrape, since few installations of a developer do.
import { collectDefaultMetrics, type Metric, Registry } from "prom-client";
import type { HistogramSeries, Labels, Ledger, Snapshot } from "./ledger.ts";

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly sharedLabels?: Labels;
  readonly value: number;
}

function samplesOfHistogram(name: string, bounds: readonly number[], series: HistogramSeries): Sample[] {
  const { labels: sharedLabels, buckets, sum } = series;
  let count = 0;
  const samples: Sample[] = buckets.map((own, index) => {
    count += own;
    return { metricName: `${name}_bucket`, labels: { le: bounds[index] ?? "+Inf" }, sharedLabels, value: count };
  });
  samples.push({ metricName: `${name}_sum`, labels: {}, sharedLabels, value: sum });
  samples.push({ metricName: `${name}_count`, labels: {}, sharedLabels, value: count });
  return samples;
}

function samplesOf(snapshot: Snapshot): readonly Sample[] {
  if (snapshot.kind !== "histogram") return snapshot.series.map(({ labels, value }) => ({ labels, value }));
  return snapshot.series.flatMap((series) => samplesOfHistogram(snapshot.name, snapshot.bounds, series));
}

export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

export function createExposition(ledger: Ledger): Exposition {
  const ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  return {
    contentType: ofProcess.contentType,
    async text() {
      const ours = new Registry();
      for (const snapshot of ledger.read()) {
        const { name, help, kind: type } = snapshot;
        // What a registry asks of a metric is less than what its type says.
        const metric = {
          name,
          help,
          type,
          getForPromString: () => ({ name, help, type, values: samplesOf(snapshot) }),
        };
        ours.registerMetric(metric as unknown as Metric);
      }
      return (await Promise.all([ours.metrics(), ofProcess.metrics()])).join("\n");
    },
  };
}
