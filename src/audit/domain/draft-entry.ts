// From a draft to its entry: every text bounded, ids in the form that callers see.
import type { AuditDraft } from "../../kernel/audit.ts";
import { formatId } from "../../kernel/ids.ts";
import { boundedResources, boundedText } from "./bounds.ts";
import { type Entry, type EntryActor, schemaVersion } from "./entry.ts";

const longestName = 130;
const longestReason = 64;
const longestMethod = 200;
const longestId = 128;

/** People and service accounts go by UUID; the system by its name; whoever is anonymous has none. */
export function isPrincipal(actor: AuditDraft["actor"]): boolean {
  return actor.kind === "person" || actor.kind === "service_account";
}

function optional(text: string | undefined, longest: number): string | undefined {
  return text === undefined ? undefined : boundedText(text, longest);
}

function actorId(actor: AuditDraft["actor"]): string | undefined {
  if (isPrincipal(actor)) return formatId("principal", actor.id);
  return actor.id === "" ? undefined : boundedText(actor.id, longestId);
}

function entryActor(actor: AuditDraft["actor"]): EntryActor {
  return {
    id: actorId(actor),
    kind: actor.kind,
    session_id: actor.sessionId === undefined ? undefined : formatId("session", actor.sessionId),
    client_id: optional(actor.clientId, longestId),
  };
}

export function entryOf(draft: AuditDraft, installation: string, commitments: Entry["commitments"]): Entry {
  const { resources, omitted } = boundedResources(draft.resources);
  return {
    schema_version: schemaVersion,
    installation,
    event_id: formatId("event", draft.eventId),
    occurred_at: draft.occurredAt.toISOString(),
    event: boundedText(draft.event, longestName),
    category: draft.category,
    outcome: draft.outcome,
    grpc_code: draft.grpcCode,
    reason: optional(draft.reason, longestReason),
    actor: entryActor(draft.actor),
    method: optional(draft.method, longestMethod),
    request_id: optional(draft.requestId, longestId),
    resources,
    resources_omitted: omitted,
    commitments,
  };
}
