// The ledger in OpenTelemetry's model, so that what is counted once is both scraped and exported.
import { ValueType } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { HistogramSeries, Labels, Ledger, Snapshot } from "../metrics/ledger.ts";
import { isServerError } from "./server-errors.ts";

type HrTime = [number, number];

/** Names of the conventions, which Prometheus cannot write. Our own stay as they are. */
const otelNames: Readonly<Record<string, string>> = {
  rpc_server_call_duration_seconds: "rpc.server.call.duration",
};
const otelAttributes: Readonly<Record<string, string>> = {
  rpc_system_name: "rpc.system.name",
  rpc_method: "rpc.method",
  rpc_response_status_code: "rpc.response.status_code",
};

function hrTime(unixMs: number): HrTime {
  return [Math.floor(unixMs / 1000), Math.round((unixMs % 1000) * 1e6)];
}

/** The conventions ask for it beside the code; for Prometheus it would be one more label that says the same. */
function errorType(code: string | undefined): Record<string, string> {
  return code !== undefined && isServerError(code) ? { "error.type": code } : {};
}

function attributesOf(labels: Labels): Record<string, string> {
  const named = Object.entries(labels).map(([name, value]) => [otelAttributes[name] ?? name, value]);
  return { ...Object.fromEntries(named), ...errorType(labels.rpc_response_status_code) };
}

/** What turns these back into Prometheus' names adds `_ratio` to a gauge of unit 1, so only a ratio says that it is one. */
function unitOf(name: string): string {
  if (name.includes("_seconds")) return "s";
  return name.endsWith("_ratio") ? "1" : "";
}

function histogramValue({ buckets, sum }: HistogramSeries, bounds: readonly number[]) {
  const count = buckets.reduce((total, own) => total + own, 0);
  return { buckets: { boundaries: [...bounds], counts: [...buckets] }, sum, count };
}

function dataOf(snapshot: Snapshot, startTime: HrTime, endTime: HrTime): MetricData {
  const { name, help: description } = snapshot;
  const base = {
    descriptor: { name: otelNames[name] ?? name, description, unit: unitOf(name), valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (snapshot.kind === "histogram") {
    const dataPoints = snapshot.series.map((series) => {
      const value = histogramValue(series, snapshot.bounds);
      return { startTime, endTime, attributes: attributesOf(series.labels), value };
    });
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = snapshot.series.map(({ labels, value }) => ({
    startTime,
    endTime,
    attributes: attributesOf(labels),
    value,
  }));
  return snapshot.kind === "gauge"
    ? { ...base, dataPointType: DataPointType.GAUGE, dataPoints }
    : { ...base, dataPointType: DataPointType.SUM, dataPoints, isMonotonic: true };
}

export function createMetricProducer(ledger: Ledger, resource: Resource): MetricProducer {
  const startTime = hrTime(performance.timeOrigin + performance.now());
  return {
    async collect() {
      const endTime = hrTime(performance.timeOrigin + performance.now());
      const metrics = ledger.read().filter(({ series }) => series.length > 0);
      const scope = { scope: { name: "gatehouse" }, metrics: metrics.map((one) => dataOf(one, startTime, endTime)) };
      return { resourceMetrics: { resource, scopeMetrics: [scope] }, errors: [] };
    },
  };
}
