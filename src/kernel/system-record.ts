// The draft of what the server does by itself, when no call caused it.
import type { AuditDraft } from "./audit.ts";
import { uuidv7 } from "./ids.ts";

export interface SystemEvent {
  readonly event: string;
  readonly now: Date;
  readonly resources?: AuditDraft["resources"];
  readonly details?: AuditDraft["details"];
}

export function systemRecord({ event, now, resources = [], details = {} }: SystemEvent): AuditDraft {
  return {
    eventId: uuidv7(now),
    occurredAt: now,
    event,
    category: "SYSTEM",
    outcome: "SUCCESS",
    reason: undefined,
    grpcCode: 0,
    method: undefined,
    requestId: undefined,
    actor: { id: "", kind: "system", sessionId: undefined, clientId: undefined },
    subjectId: undefined,
    personal: {},
    resources,
    details,
  };
}
