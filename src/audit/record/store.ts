// The SQL that adds records: one in the transaction of its effect, or many that stand alone. Nothing changes or deletes one.
import { mostRecordsTogether } from "../../kernel/audit.ts";
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

// Rows of parameters, filled up with nulls to the next size: half again to twice as fast as arrays for `unnest`, whose
// text both sides have to quote and parse.
function insertMany(name: string, size: number, onConflict: string): Statement {
  const row = (first: number) => types.map((type, index) => `$${first + index}::${type}`).join(", ");
  const rows = Array.from({ length: size }, (_, index) => `(${row(index * types.length + 1)})`);
  return {
    name: `${name}_${size}`,
    text: `
      insert into audit_event (${columns})
      select ${columns} from (values ${rows.join(", ")}) as given (${columns})
      where id is not null ${onConflict}`,
  };
}

const sizes = [1, 4, 8, 16, mostRecordsTogether];

// Records that stand alone may be sent again when the answer to their COMMIT was lost; an event that is there already is the
// same event. With an effect there is no second time, so what is there already is a mistake.
const alone = sizes.map((size) => insertMany("audit.insert", size, "on conflict (id) do nothing"));
const withEffects = sizes.map((size) => insertMany("audit.insert_with_effects", size, ""));

function fittingOf(statements: readonly Statement[], rows: readonly AuditRow[]): [Statement, unknown[]] {
  const at = sizes.findIndex((size) => size >= rows.length);
  const [statement, size] = [statements[at], sizes[at]];
  if (statement === undefined || size === undefined) throw new RangeError("too many rows for one statement");
  const parameters: unknown[] = [];
  for (const row of rows) parameters.push(...valuesOf(row));
  while (parameters.length < size * types.length) parameters.push(null);
  return [statement, parameters];
}

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

/** In the transaction of their effects; at least one, at most `mostRecordsTogether`. */
export async function insertWithEffects(tx: Pick<Transaction, "rows">, rows: readonly AuditRow[]): Promise<void> {
  const [statement, parameters] = fittingOf(withEffects, rows);
  await tx.rows(statement, parameters);
}

/** At most `mostRecordsTogether`: all in one transaction of their own, or none. */
export async function insertEvents(writer: LoneWriter, rows: readonly AuditRow[]): Promise<void> {
  const [statement, parameters] = fittingOf(alone, rows);
  await writer.write(statement, parameters);
}
