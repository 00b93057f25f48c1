// AppendEvent: an application's event, in the same trail and under the same evidence as Gatehouse's own.
import { create, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import {
  type AppendEventRequest,
  type AppendEventResponse,
  AppendEventResponseSchema,
  type AuditService,
  Outcome,
} from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import type { AuditDraft } from "../../kernel/audit.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import { type Call, callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId, parseId } from "../../kernel/ids.ts";
import { longestDetails } from "../domain/bounds.ts";
import { canonicalJson } from "../domain/canonical-json.ts";
import { isReservedSource } from "../domain/event-names.ts";
import type { Encoder } from "../record/encoder.ts";

const longestText = 1_024;
const longestName = 64;
const deepest = 16;

function isList(value: JsonValue): value is JsonValue[] {
  return Array.isArray(value);
}

/** Why the value could not be kept to the letter; what is evidence is refused rather than cut. */
function unfit(value: JsonValue, depth: number): string | undefined {
  if (typeof value === "string") return value.length > longestText ? "a text has at most 1024 characters" : undefined;
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? undefined : "numbers are integers below 2^53, send others as text";
  if (value === null || typeof value !== "object") return undefined;
  if (depth === deepest) return "at most 16 levels";
  if (!isList(value) && Object.keys(value).some((key) => key.length > longestName))
    return "a name has at most 64 characters";
  for (const member of isList(value) ? value : Object.values(value)) {
    const reason = unfit(member, depth + 1);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function detailsOf(details: JsonObject | undefined): AuditDraft["details"] {
  if (details === undefined) return {};
  const reason = unfit(details, 0);
  if (reason !== undefined) throw invalidField("details", reason);
  if (Buffer.byteLength(canonicalJson(details)) > longestDetails) {
    throw new GatehouseError("EVENT_TOO_LARGE", { metadata: { max_bytes: String(longestDetails) } });
  }
  return details;
}

/** The caller's address and agent speak of the caller; of anybody else only what the request says. */
function personalOf(
  request: AppendEventRequest,
  ofCaller: AuditDraft["personal"],
  isCaller: boolean,
): AuditDraft["personal"] {
  if (request.address !== "") return { address: request.address };
  return isCaller ? ofCaller : {};
}

function fill(draft: AuditDraft, request: AppendEventRequest, callerId: string): void {
  const subjectId = parseId("principal", request.subjectId) ?? callerId;
  draft.event = `${request.source}.${request.name}`;
  draft.category = "APPLICATION";
  draft.outcome = request.outcome === Outcome.FAILURE ? "FAILURE" : "SUCCESS";
  draft.reason = request.reason === "" ? undefined : request.reason;
  draft.subjectId = subjectId;
  draft.personal = personalOf(request, draft.personal, subjectId === callerId);
  draft.resources = request.resources.map(({ type, uid, version }) => ({
    type,
    uid,
    ...(version === 0 ? {} : { version }),
  }));
  draft.details = detailsOf(request.details);
}

/** What a call leaves behind that appended nothing: it speaks of the attempt, never as if the application's event were there. */
function attempt(draft: AuditDraft, source: string): Partial<AuditDraft> {
  const { category, outcome, reason, subjectId, personal } = draft;
  const resources = [{ type: "audit", uid: source }];
  return { event: "audit.appended", category, outcome, reason, subjectId, personal, resources, details: {} };
}

async function append(request: AppendEventRequest, call: Call, encoder: Encoder): Promise<AppendEventResponse> {
  if (isReservedSource(request.source)) throw invalidField("source", "the name is reserved for gatehouse itself");
  fill(call.audit, request, callerOf(call).id);
  // The answer holds the leaf hash, and is stored for repeats before the record itself: so the record is fixed first.
  const leafHash = await encoder.fix(call.audit);
  const eventId = formatId("event", call.audit.eventId);
  return call.commit(async () => create(AppendEventResponseSchema, { eventId, leafHash }));
}

export function createAppendEvent(deps: {
  readonly encoder: Encoder;
}): UnaryHandler<typeof AuditService.method.appendEvent> {
  return async (request, call) => {
    const { audit } = call;
    const unanswered = attempt(audit, request.source);
    try {
      const answer = await append(request, call, deps.encoder);
      // The answer of a repeat that ran at the same time: its event is in the trail, this call's is not.
      if (answer.eventId !== formatId("event", audit.eventId)) Object.assign(audit, unanswered);
      return answer;
    } catch (error) {
      Object.assign(audit, unanswered);
      throw error;
    }
  };
}
