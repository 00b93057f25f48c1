// The ledger in OpenTelemetry's model: names, units and attributes by its conventions.
import { resourceFromAttributes } from "@opentelemetry/resources";
import { describe, expect, it } from "vitest";
import { createLedger } from "../../../../src/observability/metrics/ledger.ts";
import { createMetricProducer } from "../../../../src/observability/otlp/metric-producer.ts";

async function exported() {
  const ledger = createLedger();
  const calls = ledger.histogram<"rpc_system_name" | "rpc_method" | "rpc_response_status_code">({
    name: "rpc_server_call_duration_seconds",
    help: "Calls.",
    labels: ["rpc_system_name", "rpc_method", "rpc_response_status_code"],
    bounds: [1],
  });
  for (const code of ["OK", "PERMISSION_DENIED", "UNAVAILABLE"])
    calls.with({ rpc_system_name: "grpc", rpc_method: "a.A/B", rpc_response_status_code: code }).record(0.5);
  ledger.counter({ name: "gatehouse_things_total", help: "Things." }).with({}).add(3);
  ledger.gauge({ name: "gatehouse_busy_ratio", help: "Busy." }, () => [[{}, 0.5]]);
  ledger.gauge({ name: "gatehouse_up", help: "Up." }, () => [[{}, 1]]);
  ledger.gauge({ name: "gatehouse_silent", help: "Nothing yet." }, () => []);
  const { resourceMetrics } = await createMetricProducer(ledger, resourceFromAttributes({})).collect();
  return new Map(resourceMetrics.scopeMetrics[0]?.metrics.map((one) => [one.descriptor.name, one]));
}

describe("J-08 the export of metrics", () => {
  it("has the conventions' attributes, and the type of an error only where the server is at fault", async () => {
    const points = (await exported()).get("rpc.server.call.duration")?.dataPoints ?? [];
    const common = { "rpc.system.name": "grpc", "rpc.method": "a.A/B" };
    expect(points.map(({ attributes }) => attributes)).toEqual([
      { ...common, "rpc.response.status_code": "OK" },
      { ...common, "rpc.response.status_code": "PERMISSION_DENIED" },
      { ...common, "rpc.response.status_code": "UNAVAILABLE", "error.type": "UNAVAILABLE" },
    ]);
    expect(points[0]?.value).toEqual({ buckets: { boundaries: [1], counts: [1, 0] }, sum: 0.5, count: 1 });
  });

  it("has units that lead back to the same names in Prometheus", async () => {
    const units = [...(await exported())].map(([name, { descriptor }]) => [name, descriptor.unit]);
    expect(units).toEqual([
      ["rpc.server.call.duration", "s"],
      ["gatehouse_things_total", ""],
      ["gatehouse_busy_ratio", "1"],
      ["gatehouse_up", ""],
    ]);
  });
});
