// How often each method is called, how it ends and how long it takes, by OpenTelemetry's conventions for RPC servers; and
// which refusals callers meet. Instruments are opened when a method first ends so, and then kept: a call costs two sums.

import { codeCount, codeName } from "../kernel/code-names.ts";
import type { GatehouseError, Reason } from "../kernel/errors.ts";
import type { Counter, Histogram, Metrics } from "../kernel/metrics.ts";
import type { Protocol } from "./exchange.ts";
import type { MethodEntry, PolicyTable } from "./policy.ts";

export interface CallMeter {
  begin(entry: MethodEntry): void;
  /** `error` = how it was refused or failed; undefined = it was answered. */
  end(entry: MethodEntry, protocol: Protocol, error: GatehouseError | undefined, seconds: number): void;
}

/** Semconv's bounds, and finer ones below them: most of our calls take less than a millisecond. */
const bounds = [
  0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** gRPC-Web is gRPC to the conventions, and OAuth's forms are the web door's, as Connect is. */
export function systemOf(protocol: Protocol): "grpc" | "connectrpc" {
  return protocol === "connect" || protocol === "oauth" ? "connectrpc" : "grpc";
}

interface Meter {
  inFlight: number;
  /** By code; those of Connect follow those of gRPC. */
  readonly durations: (Histogram | undefined)[];
}

function createRefusals(metrics: Metrics): (reason: Reason) => void {
  const family = metrics.counter<"reason">({
    name: "gatehouse_refusals_total",
    help: "Calls that were refused or failed, by the reason of docs/errors.md.",
    labels: ["reason"],
  });
  const counters = new Map<Reason, Counter>();
  return (reason) => {
    let counter = counters.get(reason);
    if (counter === undefined) {
      counter = family.with({ reason });
      counters.set(reason, counter);
    }
    counter.add();
  };
}

export function createCallMeter({
  metrics,
  table,
}: {
  readonly metrics: Metrics;
  readonly table: PolicyTable;
}): CallMeter {
  const family = metrics.histogram<"rpc_system_name" | "rpc_method" | "rpc_response_status_code">({
    name: "rpc_server_call_duration_seconds",
    help: "Duration of calls from the gate to the answer; of streams, their life.",
    labels: ["rpc_system_name", "rpc_method", "rpc_response_status_code"],
    bounds,
  });
  const refuse = createRefusals(metrics);
  const meters = new Map<MethodEntry, Meter>();
  for (const entry of table.values()) meters.set(entry, { inFlight: 0, durations: [] });
  metrics.gauge<"rpc_method">(
    { name: "gatehouse_calls_in_flight", help: "Calls that wait for their answer, open streams included." },
    () => [...meters].map(([{ name }, { inFlight }]) => [{ rpc_method: name }, inFlight]),
  );

  function open(entry: MethodEntry, meter: Meter, protocol: Protocol, code: number, index: number): Histogram {
    const opened = family.with({
      rpc_system_name: systemOf(protocol),
      rpc_method: entry.name,
      rpc_response_status_code: codeName(code),
    });
    meter.durations[index] = opened;
    return opened;
  }

  return {
    begin(entry) {
      const meter = meters.get(entry);
      if (meter !== undefined) meter.inFlight += 1;
    },
    end(entry, protocol, error, seconds) {
      const meter = meters.get(entry);
      if (meter === undefined) return;
      meter.inFlight -= 1;
      const code = error?.code ?? 0;
      const index = protocol === "connect" ? codeCount + code : code;
      (meter.durations[index] ?? open(entry, meter, protocol, code, index)).record(seconds);
      if (error !== undefined) refuse(error.reason);
    },
  };
}
