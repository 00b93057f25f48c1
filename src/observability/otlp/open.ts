// Traces and metrics to an OpenTelemetry collector, over OTLP/HTTP. Loaded only when a collector is named. What the
// collector does not take in time is dropped: it must never slow a call, fill the memory or hold up the end.
import { randomUUID } from "node:crypto";
import { DiagLogLevel, diag } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Logger } from "../../kernel/logger.ts";
import type { Ledger } from "../metrics/ledger.ts";
import { createComplaint } from "./complaint.ts";
import { createMetricProducer } from "./metric-producer.ts";
import { createCallTracer, type FullTracer } from "./tracer.ts";

export interface OtlpOptions {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly traceRatio: number;
  readonly otlpIntervalMs: number;
  readonly ledger: Ledger;
  readonly logger: Logger;
}

export interface Otlp {
  readonly tracer: FullTracer;
  /** Sends what waits, for a bounded time. Never rejects. */
  close(): Promise<void>;
}

const exportTimeoutMs = 5_000;
const mostSpansWaiting = 4_096;
const closeMs = 2_000;

function listenToLibrary(complain: () => void): void {
  const silent = () => {};
  diag.setLogger(
    { error: complain, warn: complain, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

function withinMs(work: Promise<unknown>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    work.then(done, done);
  });
}

export function openOtlp(options: OtlpOptions): Otlp {
  const { endpoint, headers, traceRatio, otlpIntervalMs, ledger, logger } = options;
  listenToLibrary(createComplaint(logger, () => performance.now()));
  // Without an id of its own, what one replica counts would overwrite what another does.
  const resource = resourceFromAttributes({ "service.name": "gatehouse", "service.instance.id": randomUUID() });
  const exporting = (path: string) => ({
    url: `${endpoint}${path}`,
    headers: { ...headers },
    timeoutMillis: exportTimeoutMs,
    concurrencyLimit: 2,
  });
  const traces = new TracerProvider({
    resource,
    // Only what is to be recorded gets a span at all: tracer.ts decides.
    sampler: new AlwaysOnSampler(),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(exporting("/v1/traces")),
        maxQueueSize: mostSpansWaiting,
        scheduledDelayMillis: Math.min(5_000, otlpIntervalMs),
        exportTimeoutMillis: exportTimeoutMs,
      }),
    ],
  });
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(exporting("/v1/metrics")),
    exportIntervalMillis: otlpIntervalMs,
    exportTimeoutMillis: Math.min(exportTimeoutMs, otlpIntervalMs),
    metricProducers: [createMetricProducer(ledger, resource)],
  });
  const meters = new MeterProvider({ resource, readers: [reader] });
  return {
    tracer: createCallTracer(traces.getTracer("gatehouse"), traceRatio),
    close: () => withinMs(Promise.allSettled([traces.shutdown(), meters.shutdown()]), closeMs),
  };
}
