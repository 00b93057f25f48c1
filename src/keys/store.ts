// The SQL of wrapped data keys: those of the installation's purposes and those of subjects.
import type { AuditDraft } from "../kernel/audit.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Reader, Row, Statement, Transaction } from "../kernel/database.ts";
import { GatehouseError } from "../kernel/errors.ts";
import { systemRecord } from "../kernel/system-record.ts";
import type { UnitOfWork } from "../kernel/unit-of-work.ts";
import { dataCorrupt } from "./failures.ts";
import type {
  DataKeyReader,
  DataKeyRow,
  DataKeyWriter,
  KeyState,
  SubjectKeyReader,
  SubjectKeyWriter,
  WrappedKey,
} from "./ports.ts";

const loadDataKeys: Statement = {
  name: "keys_load_data_keys",
  text: `select purpose, version, wrapped, kek_id, kek_version, state from data_key order by purpose, version`,
};

const insertDataKeys: Statement = {
  name: "keys_insert_data_keys",
  text: `insert into data_key (purpose, version, wrapped, kek_id, kek_version, state, created_at)
    select purpose, version, wrapped, kek_id, kek_version, state, $7::timestamptz
      from unnest($1::text[], $2::integer[], $3::bytea[], $4::text[], $5::integer[], $6::text[])
        as given (purpose, version, wrapped, kek_id, kek_version, state)
    order by purpose, version
    on conflict (purpose, version) do nothing
    returning purpose`,
};

const findSubjectKey: Statement = {
  name: "keys_find_subject_key",
  text: `select wrapped, kek_id, kek_version from subject_key where subject = $1`,
};

const insertSubjectKey: Statement = {
  name: "keys_insert_subject_key",
  text: `insert into subject_key (subject, wrapped, kek_id, kek_version, created_at) values ($1, $2, $3, $4, $5)
    on conflict (subject) do nothing
    returning subject`,
};

interface WrappedColumns extends Row {
  readonly wrapped: Buffer | null;
  readonly kek_id: string;
  readonly kek_version: number;
}

interface DataKeyColumns extends WrappedColumns {
  readonly purpose: string;
  readonly version: number;
  readonly state: KeyState;
}

function wrappedKey(row: WrappedColumns): WrappedKey | undefined {
  return row.wrapped === null ? undefined : { kekId: row.kek_id, kekVersion: row.kek_version, ciphertext: row.wrapped };
}

function dataKeyRow(row: DataKeyColumns): DataKeyRow {
  const wrapped = wrappedKey(row);
  if (wrapped === undefined) throw dataCorrupt();
  return { purpose: row.purpose, version: row.version, wrapped, state: row.state };
}

function keyCreated(now: Date, resources: AuditDraft["resources"], wrapped: WrappedKey): AuditDraft {
  return systemRecord({
    event: "key.created",
    now,
    resources,
    details: { kek_id: wrapped.kekId, kek_version: wrapped.kekVersion },
  });
}

/**
 * Commits `insert` with its record; false when it answers that another replica was first, and then nothing is stored.
 * The outcome is kept apart from the error that ends the transaction, whose kind is the unit of work's business.
 */
async function commitUnlessLost(
  unitOfWork: UnitOfWork,
  draft: AuditDraft,
  insert: (tx: Transaction) => Promise<boolean>,
): Promise<boolean> {
  let lost = false;
  try {
    await unitOfWork.commit(draft, async (tx) => {
      lost = !(await insert(tx));
      if (lost) throw new GatehouseError("INTERNAL", { cause: new Error("another replica made the key first") });
    });
    return true;
  } catch (error) {
    if (lost) return false;
    throw error;
  }
}

function dataKeyParameters(rows: readonly DataKeyRow[], now: Date): readonly unknown[] {
  return [
    rows.map((row) => row.purpose),
    rows.map((row) => row.version),
    rows.map((row) => row.wrapped.ciphertext),
    rows.map((row) => row.wrapped.kekId),
    rows.map((row) => row.wrapped.kekVersion),
    rows.map((row) => row.state),
    now,
  ];
}

export function createDataKeyReader(reader: Reader): DataKeyReader {
  return { load: async () => (await reader.rows<DataKeyColumns>(loadDataKeys, [])).map(dataKeyRow) };
}

async function storeDataKeys(tx: Transaction, rows: readonly DataKeyRow[], now: Date): Promise<boolean> {
  const stored = await tx.rows(insertDataKeys, dataKeyParameters(rows, now));
  return stored.length === rows.length;
}

async function storeSubjectKey(tx: Transaction, subject: string, wrapped: WrappedKey, now: Date): Promise<boolean> {
  const parameters = [subject, wrapped.ciphertext, wrapped.kekId, wrapped.kekVersion, now];
  return (await tx.rows(insertSubjectKey, parameters)).length === 1;
}

export function createDataKeyWriter(unitOfWork: UnitOfWork, clock: Clock): DataKeyWriter {
  return {
    async insertIfAbsent(rows) {
      const [first] = rows;
      if (first === undefined) return true;
      const now = clock.now();
      const resources = rows.map((row) => ({ type: "data_key", uid: row.purpose, version: row.version }));
      const draft = keyCreated(now, resources, first.wrapped);
      return await commitUnlessLost(unitOfWork, draft, (tx) => storeDataKeys(tx, rows, now));
    },
  };
}

export function createSubjectKeyReader(reader: Reader): SubjectKeyReader {
  return {
    async find(subject) {
      const [row] = await reader.rows<WrappedColumns>(findSubjectKey, [subject]);
      return row && { subject, wrapped: wrappedKey(row) };
    },
  };
}

/** `unitOfWork` is asked for late: the unit of work stores audit records, which need the keys that this one stores. */
export function createSubjectKeyWriter(unitOfWork: () => UnitOfWork, clock: Clock): SubjectKeyWriter {
  return {
    insert: (tx, subject, wrapped) => storeSubjectKey(tx, subject, wrapped, clock.now()),
    async insertAlone(subject, wrapped) {
      const now = clock.now();
      const draft = keyCreated(now, [{ type: "subject_key", uid: subject }], wrapped);
      return await commitUnlessLost(unitOfWork(), draft, (tx) => storeSubjectKey(tx, subject, wrapped, now));
    },
  };
}
