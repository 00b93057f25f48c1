// Answers kept for repeated request ids.
import type { LoneWriter, Reader, Row, Statement, Transaction } from "../../kernel/database.ts";

const findRecord: Statement = {
  name: "rpc.find_request_record",
  text: `select fingerprint, fingerprint_version, response from request_record
         where principal_id = $1 and method = $2 and request_id = $3 and created_at > $4`,
};

const insertRecord: Statement = {
  name: "rpc.insert_request_record",
  text: `insert into request_record (principal_id, method, request_id, fingerprint, fingerprint_version, response, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)`,
};

const deleteOutlived: Statement = {
  name: "rpc.delete_outlived_request_record",
  text: "delete from request_record where principal_id = $1 and method = $2 and request_id = $3 and created_at <= $4",
};

const deleteOldRecords: Statement = {
  name: "rpc.delete_old_request_records",
  text: "delete from request_record where created_at <= $1",
};

/** Unique constraint that a request running at the same time with the same id violates. */
export const requestRecordKey = "request_record_pkey";

export interface RecordKey {
  readonly principalId: string;
  readonly method: string;
  readonly requestId: string;
}

export interface RecordRow extends Row {
  readonly fingerprint: Buffer;
  readonly fingerprint_version: number;
  readonly response: Buffer;
}

export async function selectRecord(reader: Reader, key: RecordKey, keptSince: Date): Promise<RecordRow | undefined> {
  const rows = await reader.rows<RecordRow>(findRecord, [key.principalId, key.method, key.requestId, keptSince]);
  return rows[0];
}

/** A record that is kept no longer, and that no sweep has met yet, makes room. */
export async function storeRecord(
  tx: Transaction,
  key: RecordKey,
  row: RecordRow,
  times: { readonly now: Date; readonly keptSince: Date },
): Promise<void> {
  const { fingerprint, fingerprint_version: version, response } = row;
  const id = [key.principalId, key.method, key.requestId];
  await Promise.all([
    tx.rows(deleteOutlived, [...id, times.keptSince]),
    tx.rows(insertRecord, [...id, fingerprint, version, response, times.now]),
  ]);
}

export async function deleteRecordsBefore(writer: LoneWriter, keptSince: Date): Promise<void> {
  await writer.write(deleteOldRecords, [keptSince]);
}
