// Reasons of the Audit area.
import type { ErrorEntry } from "./entry.ts";

export const auditReasons = {
  EVENT_NOT_FOUND: { code: "NOT_FOUND", id: "SEC-AUDIT-001", message: "no such event", remedy: "Check the event id." },
  AUDIT_UNAVAILABLE: {
    code: "UNAVAILABLE",
    id: "SEC-AUDIT-002",
    message: "the audit record could not be written, so nothing was done",
    remedy: "Try again later.",
  },
  EVENT_TOO_LARGE: {
    code: "INVALID_ARGUMENT",
    id: "SEC-AUDIT-003",
    message: "the event is too large",
    remedy: "Stay within the limits of AppendEvent.",
  },
} as const satisfies Record<string, ErrorEntry>;
