// The SQL that adds records: one in the transaction of its effect, or many that stand alone. Nothing changes or deletes one.
import type { LoneWriter, Statement, Transaction } from "../../kernel/database.ts";

export interface AuditRow {
  readonly id: string;
  readonly entry: Buffer;
  readonly occurredAt: string;
  readonly event: string;
  readonly category: string;
  readonly outcome: string;
  readonly actorId: string | null;
  readonly sessionId: string | null;
  readonly method: string | null;
  readonly resourceType: string | null;
  readonly resourceUid: string | null;
  readonly subject: string | null;
  readonly personal: Buffer | null;
  readonly details: Buffer | null;
  readonly addressIndex: Buffer | null;
  readonly loginNameIndex: Buffer | null;
}

const columnTypes = {
  id: "uuid",
  entry: "bytea",
  occurred_at: "timestamptz",
  event: "text",
  category: "text",
  outcome: "text",
  actor_id: "uuid",
  session_id: "uuid",
  method: "text",
  resource_type: "text",
  resource_uid: "text",
  subject: "text",
  personal: "bytea",
  details: "bytea",
  address_index: "bytea",
  login_name_index: "bytea",
} as const;

const columns = Object.keys(columnTypes).join(", ");
const types = Object.values(columnTypes);

const insertOne: Statement = {
  name: "audit.insert",
  text: `insert into audit_event (${columns}) values (${types.map((_, index) => `$${index + 1}`).join(", ")})`,
};

/** Most rows of one statement. */
export const mostRows = 32;

// Rows of parameters, filled up with nulls to the next size: half again to twice as fast as arrays for `unnest`, whose
// text both sides have to quote and parse. A group may be sent again when the answer to its COMMIT was lost; an event
// that is there already is the same event.
function insertMany(size: number): Statement {
  const row = (first: number) => types.map((type, index) => `$${first + index}::${type}`).join(", ");
  const rows = Array.from({ length: size }, (_, index) => `(${row(index * types.length + 1)})`);
  return {
    name: `audit.insert_${size}`,
    text: `
      insert into audit_event (${columns})
      select ${columns} from (values ${rows.join(", ")}) as given (${columns})
      where id is not null
      on conflict (id) do nothing`,
  };
}

const insertsBySize = [1, 4, 8, 16, mostRows].map((size) => ({ size, statement: insertMany(size) }));

function valuesOf(row: AuditRow): unknown[] {
  return [
    row.id,
    row.entry,
    row.occurredAt,
    row.event,
    row.category,
    row.outcome,
    row.actorId,
    row.sessionId,
    row.method,
    row.resourceType,
    row.resourceUid,
    row.subject,
    row.personal,
    row.details,
    row.addressIndex,
    row.loginNameIndex,
  ];
}

export async function insertEvent(tx: Pick<Transaction, "rows">, row: AuditRow): Promise<void> {
  await tx.rows(insertOne, valuesOf(row));
}

/** At most `mostRows`: all in one transaction of their own, or none. */
export async function insertEvents(writer: LoneWriter, rows: readonly AuditRow[]): Promise<void> {
  const fitting = insertsBySize.find(({ size }) => size >= rows.length);
  if (fitting === undefined) throw new RangeError("too many rows for one statement");
  const padding = new Array<null>((fitting.size - rows.length) * types.length).fill(null);
  await writer.write(fitting.statement, [...rows.flatMap(valuesOf), ...padding]);
}
