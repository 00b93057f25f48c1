// The SQL of wrapped keys on their way from one home to another: those of subjects, and those of the installation.
import type { Reader, Row, Statement, Transaction } from "../../kernel/database.ts";
import { purposeKeyContext, subjectKeyContext, valueKeyContext } from "../bindings.ts";
import type { WrappedKey, WrappedRow, WrappedRows, WrappedValueRows } from "../ports.ts";

interface WrappedColumns extends Row {
  readonly wrapped: Buffer;
  readonly kek_id: string;
  readonly kek_version: number;
}

interface SubjectColumns extends WrappedColumns {
  readonly subject: string;
}

interface PurposeColumns extends WrappedColumns {
  readonly purpose: string;
  readonly version: number;
}

const pageSize = 256;

const subjectPage: Statement = {
  name: "keys.move_subject_page",
  text: `
    select subject, wrapped, kek_id, kek_version from subject_key
    where subject > $1 and wrapped is not null and starts_with(kek_id, $2) order by subject limit $3`,
};

// Only what is still as it was read: a key that was erased meanwhile stays erased.
const replaceSubjects: Statement = {
  name: "keys.move_subjects",
  text: `
    update subject_key set wrapped = moved.wrapped, kek_id = moved.kek_id, kek_version = moved.kek_version
    from unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[], $5::integer[])
      as moved (subject, former, wrapped, kek_id, kek_version)
    where subject_key.subject = moved.subject and subject_key.wrapped = moved.former`,
};

const purposeRows: Statement = {
  name: "keys.move_purpose_rows",
  text: `
    select purpose, version, wrapped, kek_id, kek_version from data_key
    where starts_with(kek_id, $1) order by purpose, version`,
};

const replacePurposes: Statement = {
  name: "keys.move_purposes",
  text: `
    update data_key set wrapped = moved.wrapped, kek_id = moved.kek_id, kek_version = moved.kek_version
    from unnest($1::text[], $2::integer[], $3::bytea[], $4::bytea[], $5::text[], $6::integer[])
      as moved (purpose, version, former, wrapped, kek_id, kek_version)
    where data_key.purpose = moved.purpose and data_key.version = moved.version and data_key.wrapped = moved.former`,
};

function wrappedKey({ wrapped, kek_id, kek_version }: WrappedColumns): WrappedKey {
  return { kekId: kek_id, kekVersion: kek_version, ciphertext: wrapped };
}

/** Parameters of the last columns of the updates above. */
function moved(rows: readonly Pick<WrappedRow, "wrapped">[], keys: readonly WrappedKey[]): readonly unknown[] {
  return [
    rows.map(({ wrapped }) => wrapped.ciphertext),
    keys.map(({ ciphertext }) => ciphertext),
    keys.map(({ kekId }) => kekId),
    keys.map(({ kekVersion }) => kekVersion),
  ];
}

type Former = readonly Pick<WrappedRow, "at" | "wrapped">[];

async function replaceSubjectKeys(tx: Transaction, rows: Former, keys: readonly WrappedKey[]): Promise<void> {
  await tx.rows(replaceSubjects, [rows.map(({ at }) => at[0]), ...moved(rows, keys)]);
}

async function replacePurposeKeys(tx: Transaction, rows: Former, keys: readonly WrappedKey[]): Promise<void> {
  const [purposes, versions] = [rows.map(({ at }) => at[0]), rows.map(({ at }) => at[1])];
  await tx.rows(replacePurposes, [purposes, versions, ...moved(rows, keys)]);
}

export function subjectRows(reader: Reader, installationId: string): WrappedRows {
  return {
    name: "subject_key",
    async *pages(home) {
      for (let after: string | undefined = ""; after !== undefined; ) {
        const page: SubjectColumns[] = await reader.rows<SubjectColumns>(subjectPage, [after, home, pageSize]);
        after = page.at(-1)?.subject;
        const rows = page.map((row) => ({
          at: [row.subject],
          context: subjectKeyContext(installationId, row.subject),
          wrapped: wrappedKey(row),
        }));
        if (rows.length > 0) yield rows;
      }
    },
    replace: replaceSubjectKeys,
  };
}

export function installationRows(reader: Reader, installationId: string): WrappedRows {
  return {
    name: "data_key",
    async *pages(home) {
      const rows = (await reader.rows<PurposeColumns>(purposeRows, [home])).map((row) => ({
        at: [row.purpose, row.version],
        context: purposeKeyContext(installationId, row.purpose, row.version),
        wrapped: wrappedKey(row),
      }));
      if (rows.length > 0) yield rows;
    },
    replace: replacePurposeKeys,
  };
}

/** Rows of a slice, which knows where its values are and not how their keys are bound to it. */
export function valueRows(rows: WrappedValueRows, installationId: string): WrappedRows {
  return {
    ...rows,
    async *pages(home) {
      for await (const page of rows.pages(home))
        yield page.map((row) => ({ ...row, context: valueKeyContext(installationId, row.binding) }));
    },
  };
}
