// The SQL that shows records. Only columns that serve the look-up are filtered on; what is shown comes from the entry.
import type { Reader, Row, Statement } from "../../kernel/database.ts";

export interface StoredEvent extends Row {
  readonly id: string;
  readonly entry: Buffer;
  readonly subject: string | null;
  readonly personal: Buffer | null;
  readonly details: Buffer | null;
}

/** One condition: `column` says which, `value` what it is compared with. */
export interface Condition {
  readonly column: ConditionColumn;
  readonly value: unknown;
}

// In alphabetical order, each with its comparison. Every combination in use becomes one statement with a name and a plan
// of its own; a single statement with `$1 is null or ...` would get one plan for all, and read the whole table.
const comparisons = {
  actor: "actor_id = $::uuid",
  address: "address_index = any($::bytea[])",
  before: "id < $::uuid",
  endId: "id < $::uuid",
  endTime: "occurred_at < $::timestamptz",
  event: "event = $::text",
  loginName: "login_name_index = any($::bytea[])",
  method: "method = $::text",
  outcome: "outcome = $::text",
  resourceType: "resource_type = $::text",
  resourceUid: "resource_uid = $::text",
  session: "session_id = $::uuid",
  startId: "id >= $::uuid",
  startTime: "occurred_at >= $::timestamptz",
} as const;

export type ConditionColumn = keyof typeof comparisons;

const selectOne: Statement = {
  name: "audit.get_event",
  text: `select id, entry, subject, personal, details from audit_event where id = $1`,
};

/** The conditions name the statement, so equal combinations share a plan. The last parameter is the limit. */
export function queryStatement(columns: readonly ConditionColumn[]): Statement {
  const clauses = columns.map((column, index) => comparisons[column].replace("$", () => `$${index + 1}`));
  const where = clauses.length === 0 ? "" : `where ${clauses.join(" and ")}`;
  return {
    // Postgres cuts names at 63 bytes, so the conditions are told by their places in the table.
    name: `audit.query_events_${columns.map((column) => Object.keys(comparisons).indexOf(column)).join("_")}`,
    text: `
      select id, entry, subject, personal, details from audit_event ${where}
      order by id desc limit $${columns.length + 1}::integer`,
  };
}

export async function selectEvent(reader: Reader, id: string): Promise<StoredEvent | undefined> {
  const [row] = await reader.rows<StoredEvent>(selectOne, [id]);
  return row;
}

/** Newest first. */
export function selectEvents(reader: Reader, conditions: readonly Condition[], limit: number): Promise<StoredEvent[]> {
  const ordered = conditions.toSorted((one, other) => (one.column < other.column ? -1 : 1));
  const statement = queryStatement(ordered.map(({ column }) => column));
  return reader.rows<StoredEvent>(statement, [...ordered.map(({ value }) => value), limit]);
}
