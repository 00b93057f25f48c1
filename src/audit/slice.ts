// The audit slice: what it offers to the root. The trail itself (writer, recorder) comes apart from its service, because
// the unit of work needs it first, and the keys that the service reads with need the unit of work.
import { AuditService } from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import type { AuditWriter } from "../kernel/audit.ts";
import type { LoneWriter, Reader } from "../kernel/database.ts";
import { bindService, type ServiceBinding } from "../kernel/handler.ts";
import type { Observer } from "../kernel/observer.ts";
import type { PageTokens } from "../kernel/sealing.ts";
import { createAppendEvent } from "./audit/append-event.ts";
import { createGetEvent } from "./audit/get-event.ts";
import { createQueryEvents } from "./audit/query-events.ts";
import type { AuditKeys } from "./ports.ts";
import { createEncoder } from "./record/encoder.ts";
import { meterRecorder } from "./record/metered-recorder.ts";
import { createRecorder, type GroupingRecorder } from "./record/recorder.ts";
import { createAuditWriter } from "./record/writer.ts";

export interface AuditSliceDeps extends Observer {
  readonly installationId: string;
  readonly reader: Reader;
  /** Of the same database; takes up to two connections at once. */
  readonly writer: LoneWriter;
  readonly keys: AuditKeys;
  readonly pageTokens: PageTokens;
}

export interface AuditSlice {
  readonly bindings: readonly ServiceBinding[];
  /** For the unit of work. */
  readonly writer: AuditWriter;
  /** For the chain. `close` after the last call has been answered. */
  readonly recorder: GroupingRecorder;
}

export function createAuditSlice(deps: AuditSliceDeps): AuditSlice {
  const encoder = createEncoder(deps);
  return {
    bindings: [
      bindService(AuditService, {
        appendEvent: createAppendEvent({ encoder }),
        queryEvents: createQueryEvents(deps),
        getEvent: createGetEvent(deps),
      }),
    ],
    writer: createAuditWriter(encoder),
    recorder: meterRecorder(createRecorder({ encoder, writer: deps.writer }), deps),
  };
}
