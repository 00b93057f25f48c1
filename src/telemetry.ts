// What Gatehouse tells of itself while it serves: metrics, traces and the line of each call, put together from the settings.
// Whatever is not asked for is not loaded.
import type { Config } from "./config/schema.ts";
import type { LineSink, Logger } from "./kernel/logger.ts";
import { type Metrics, noMetrics } from "./kernel/metrics.ts";
import { noTracer, type Tracer } from "./kernel/tracer.ts";
import { createLedger, type Ledger } from "./observability/metrics/ledger.ts";
import { openMetricsListener } from "./observability/metrics/listener.ts";
import { watchProcess } from "./observability/metrics/process.ts";
import type { Chain } from "./rpc/chain.ts";
import type { CallLog } from "./rpc/steps/log.ts";
import { traceCalls } from "./rpc/traced-chain.ts";

export interface TelemetryOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly lines: LineSink;
  /** Takes what must be stopped at the end. */
  readonly cleanup: AsyncDisposableStack;
}

export interface Telemetry {
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  readonly callLog: CallLog;
  /** Puts a span around every call of the chain; the chain itself when traces are off. */
  traced(chain: Chain): Chain;
}

/** Counting is cheap but not free: without a reader nothing is counted. */
function ledgerFor({ metricsListen, otlpEndpoint }: Config): Ledger | undefined {
  return metricsListen === "off" && otlpEndpoint === undefined ? undefined : createLedger();
}

async function serveMetrics(ledger: Ledger | undefined, { config, logger, cleanup }: TelemetryOptions): Promise<void> {
  if (ledger === undefined || config.metricsListen === "off") return;
  const listener = await openMetricsListener({ ledger, ...config.metricsListen });
  cleanup.defer(() => listener.close());
  logger.info({ address: listener.address }, "metrics are served");
}

async function exportToCollector(ledger: Ledger | undefined, { config, logger, cleanup }: TelemetryOptions) {
  const { otlpEndpoint: endpoint, otlpHeaders, traceRatio, otlpIntervalMs } = config;
  if (ledger === undefined || endpoint === undefined) return undefined;
  const { openOtlp } = await import("./observability/otlp/open.ts");
  const otlp = openOtlp({ endpoint, headers: otlpHeaders?.expose() ?? {}, traceRatio, otlpIntervalMs, ledger, logger });
  cleanup.defer(() => otlp.close());
  return otlp;
}

/** Throws StartRefused when the address for metrics cannot be had. */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { config, lines, cleanup } = options;
  const ledger = ledgerFor(config);
  if (ledger !== undefined) cleanup.defer(watchProcess(ledger));
  await serveMetrics(ledger, options);
  const otlp = await exportToCollector(ledger, options);
  return {
    metrics: ledger ?? noMetrics,
    tracer: otlp?.tracer ?? noTracer,
    callLog: { calls: config.logCalls, lines, tracer: otlp?.tracer },
    traced: (chain) => (otlp === undefined ? chain : traceCalls(chain, otlp.tracer)),
  };
}
