// What Gatehouse tells of itself.
import * as is from "../kinds.ts";
import { optional, sensitive, setting } from "../setting.ts";

export const observability = {
  logLevel: setting({
    env: "GATEHOUSE_LOG_LEVEL",
    kind: is.oneOf("debug", "info", "warn", "error"),
    default: "info",
    doc: "Log lines (JSON on stderr) of this level and above.",
    reloadable: true,
  }),
  logCalls: setting({
    env: "GATEHOUSE_LOG_CALLS",
    kind: is.oneOf("all", "most", "refusals", "off"),
    default: "most",
    doc: "Which calls get a line at level `info`: every one, every one but token checks that succeed, only those that are refused, none. Calls that fail on our side are logged as errors in any case, health checks that succeed never.",
  }),
  metricsListen: setting({
    env: "GATEHOUSE_METRICS_LISTEN",
    kind: is.listenOrOff,
    default: "off",
    doc: "Where `/metrics` is served for Prometheus, such as `127.0.0.1:9464`. An address of its own, since no login stands before it.",
  }),
  metricsExposed: setting({
    env: "GATEHOUSE_METRICS_EXPOSED",
    kind: is.boolean,
    default: "false",
    doc: "Serve `/metrics` on an address that other machines reach. A firewall or network policy must then keep strangers off.",
  }),
  otlpEndpoint: optional({
    env: "OTEL_EXPORTER_OTLP_ENDPOINT",
    kind: is.httpUrl,
    doc: "Base URL of an OpenTelemetry collector; traces and metrics go to `/v1/traces` and `/v1/metrics` below it. Unset = nothing is exported.",
  }),
  otlpHeaders: sensitive({
    env: "OTEL_EXPORTER_OTLP_HEADERS",
    kind: is.httpHeaders,
    doc: "Headers for the collector, such as an API key.",
  }),
  traceRatio: setting({
    env: "GATEHOUSE_TRACE_RATIO",
    kind: is.ratio,
    default: "0.01",
    doc: "Part of the calls that are traced when the caller's `traceparent` does not say.",
  }),
  otlpIntervalMs: setting({
    env: "GATEHOUSE_OTLP_INTERVAL",
    kind: is.duration("1s", "10m"),
    default: "60s",
    doc: "How often metrics are sent to the collector.",
  }),
} as const;
