// What is counted of the audit trail: how long a record takes, how many wait, and how many calls had to fail for want of one.
import { GatehouseError } from "../../kernel/errors.ts";
import type { Observer } from "../../kernel/observer.ts";
import type { GroupingRecorder } from "./recorder.ts";

const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export function meterRecorder(recorder: GroupingRecorder, { metrics, tracer }: Observer): GroupingRecorder {
  let waiting = 0;
  metrics.gauge({ name: "gatehouse_audit_records_waiting", help: "Audit records that are being stored." }, () => [
    [{}, waiting],
  ]);
  const duration = metrics
    .histogram({
      name: "gatehouse_audit_record_duration_seconds",
      help: "Storing an audit record that has no effect to commit with.",
      bounds,
    })
    .with({});
  const failures = metrics
    .counter({
      name: "gatehouse_audit_failures_total",
      help: "Audit records that could not be stored; the call failed with each.",
    })
    .with({});
  return {
    ...recorder,
    async record(draft) {
      const begun = performance.now();
      waiting += 1;
      try {
        await tracer.within("audit record", () => recorder.record(draft));
      } catch (error) {
        if (!(error instanceof GatehouseError) || error.reason !== "EVENT_TOO_LARGE") failures.add();
        throw error;
      } finally {
        waiting -= 1;
        duration.record((performance.now() - begun) / 1000);
      }
    },
  };
}
