// Opens a stored event for those who may read it, and checks on the way that what is shown is what was committed to.
import { create, type JsonObject } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Event, EventSchema, Outcome } from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { GatehouseError } from "../../kernel/errors.ts";
import { formatId } from "../../kernel/ids.ts";
import { type CommittedPart, payloadOf, readPart } from "../domain/commitment.ts";
import type { Entry } from "../domain/entry.ts";
import { readEntry } from "../domain/read-entry.ts";
import type { AuditKeys } from "../ports.ts";
import type { StoredEvent } from "./store.ts";

export interface OpenedEvent {
  readonly event: Event;
  readonly personal: CommittedPart | undefined;
  readonly details: CommittedPart | undefined;
}

function corrupt(): GatehouseError {
  return new GatehouseError("DATA_CORRUPT");
}

function entryOf(row: StoredEvent): Entry {
  const entry = readEntry(row.entry);
  if (entry === undefined || entry.event_id !== formatId("event", row.id)) throw corrupt();
  return entry;
}

function checked(plaintext: Buffer, commitment: string | undefined): CommittedPart {
  const part = commitment === undefined ? undefined : readPart(plaintext, commitment);
  if (part === undefined) throw corrupt();
  return part;
}

function jsonOf(part: CommittedPart | undefined): JsonObject {
  return part === undefined ? {} : (JSON.parse(payloadOf(part).toString("utf8")) as JsonObject);
}

async function openPersonal(keys: AuditKeys, row: StoredEvent, entry: Entry): Promise<CommittedPart | undefined> {
  if (entry.commitments.personal === undefined) return undefined;
  if (row.personal === null || row.subject === null) throw corrupt();
  const binding = { kind: "audit.personal", id: row.id };
  const plaintext = await keys.subjects.open(row.subject, binding, row.personal);
  return plaintext && checked(plaintext, entry.commitments.personal);
}

function openDetails(keys: AuditKeys, row: StoredEvent, entry: Entry): CommittedPart | undefined {
  if (entry.commitments.details === undefined) return undefined;
  if (row.details === null) throw corrupt();
  const plaintext = keys.sealer.open("audit-details", { kind: "audit.details", id: row.id }, row.details);
  return checked(plaintext, entry.commitments.details);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function eventOf(entry: Entry, personal: CommittedPart | undefined, details: CommittedPart | undefined): Event {
  const { login_name, address, user_agent } = jsonOf(personal);
  return create(EventSchema, {
    eventId: entry.event_id,
    event: entry.event,
    category: entry.category,
    outcome: entry.outcome === "SUCCESS" ? Outcome.SUCCESS : Outcome.FAILURE,
    reason: entry.reason ?? "",
    occurTime: timestampFromDate(new Date(entry.occurred_at)),
    actorId: entry.actor.id ?? "",
    actorKind: entry.actor.kind,
    sessionId: entry.actor.session_id ?? "",
    method: entry.method ?? "",
    callId: entry.request_id ?? "",
    resources: entry.resources.map(({ type, uid, version }) => ({ type, uid, version: version ?? 0 })),
    loginName: textOf(login_name),
    address: textOf(address),
    userAgent: textOf(user_agent),
    ...(details === undefined ? {} : { details: jsonOf(details) }),
    erased: personal === undefined && entry.commitments.personal !== undefined,
  });
}

/** Throws DATA_CORRUPT when the row is not what the entry says, whoever changed it. */
export async function openEvent(keys: AuditKeys, row: StoredEvent): Promise<OpenedEvent> {
  const entry = entryOf(row);
  const personal = await openPersonal(keys, row, entry);
  const details = openDetails(keys, row, entry);
  return { event: eventOf(entry, personal, details), personal, details };
}
