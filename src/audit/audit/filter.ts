// The filter of QueryEvents: as conditions for the store, and as what the trail keeps of the query itself.
import { type EventFilter, Outcome } from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import type { AuditValue } from "../../kernel/audit.ts";
import { invalidField } from "../../kernel/errors.ts";
import { parseId } from "../../kernel/ids.ts";
import type { BlindIndex } from "../../keys/ports.ts";
import { addressCandidates, loginNameCandidates } from "../record/indexes.ts";
import type { Condition, ConditionColumn } from "./store.ts";

type Timestamp = NonNullable<EventFilter["startTime"]>;

const latestSecond = 253_402_300_798n;
/** An event's id and its time come from one clock reading; this is room for anything that did not. */
const slackMs = 60_000;

/** The least id of an event of that time: ids begin with their time, and the primary key is in their order. */
function idAt(ms: number): string {
  const time = Math.max(ms, 0).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

/** Events know milliseconds; both bounds are met by exactly the events from the next whole one on. */
function instant(field: string, { seconds, nanos }: Timestamp): number {
  const valid = nanos >= 0 && nanos < 1e9 && seconds >= 0n && seconds <= latestSecond;
  if (!valid) throw invalidField(field, "not a time between the years 1970 and 9999");
  return Number(seconds) * 1_000 + Math.ceil(nanos / 1e6);
}

function timeConditions({ startTime, endTime }: EventFilter): Condition[] {
  const conditions: Condition[] = [];
  if (startTime !== undefined) {
    const start = instant("filter.start_time", startTime);
    conditions.push({ column: "startTime", value: new Date(start).toISOString() });
    conditions.push({ column: "startId", value: idAt(start - slackMs) });
  }
  if (endTime !== undefined) {
    const end = instant("filter.end_time", endTime);
    conditions.push({ column: "endTime", value: new Date(end).toISOString() });
    conditions.push({ column: "endId", value: idAt(end + slackMs) });
  }
  return conditions;
}

/** What Postgres cannot hold is in no row, so such a text simply matches nothing there. */
function text(column: ConditionColumn, value: string): Condition[] {
  return value === "" ? [] : [{ column, value: value.replaceAll("\0", "\ufffd") }];
}

function outcomeConditions(outcome: Outcome): Condition[] {
  if (outcome === Outcome.UNSPECIFIED) return [];
  return [{ column: "outcome", value: outcome === Outcome.SUCCESS ? "SUCCESS" : "FAILURE" }];
}

function personalConditions({ address, loginName }: EventFilter, index: BlindIndex): Condition[] {
  const conditions: Condition[] = [];
  if (address !== "") conditions.push({ column: "address", value: addressCandidates(index, address) });
  if (loginName !== "") conditions.push({ column: "loginName", value: loginNameCandidates(index, loginName) });
  return conditions;
}

function idCondition(column: ConditionColumn, uuid: string | undefined): Condition[] {
  return uuid === undefined ? [] : [{ column, value: uuid }];
}

export function conditionsOf(filter: EventFilter, index: BlindIndex): Condition[] {
  return [
    ...timeConditions(filter),
    ...idCondition("actor", parseId("principal", filter.actorId)),
    ...idCondition("session", parseId("session", filter.sessionId)),
    ...text("event", filter.event),
    ...text("method", filter.method),
    ...text("resourceType", filter.resourceType),
    ...text("resourceUid", filter.resourceUid),
    ...outcomeConditions(filter.outcome),
    ...personalConditions(filter, index),
  ];
}

function moment(field: string, time: Timestamp | undefined): string {
  return time === undefined ? "" : new Date(instant(field, time)).toISOString();
}

/** What was asked, for the record of the query. That somebody searched for an address is kept, the address is not. */
export function filterDetails(filter: EventFilter): { readonly [key: string]: AuditValue } {
  const asked = {
    start_time: moment("filter.start_time", filter.startTime),
    end_time: moment("filter.end_time", filter.endTime),
    actor_id: filter.actorId,
    session_id: filter.sessionId,
    event: filter.event,
    method: filter.method,
    resource_type: filter.resourceType,
    resource_uid: filter.resourceUid,
    outcome: filter.outcome === Outcome.UNSPECIFIED ? "" : (Outcome[filter.outcome] ?? ""),
    address: filter.address === "" ? "" : "[personal]",
    login_name: filter.loginName === "" ? "" : "[personal]",
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ""));
}
