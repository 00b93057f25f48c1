// SQL of API keys. What is stored finds a key that is shown and shows none.
import type { LoneWriter, Reader, Row, Statement, Transaction } from "../../kernel/database.ts";
import type { Mac } from "../../kernel/sealing.ts";

export interface ApiKeyRow extends Row {
  readonly id: string;
  readonly principal_id: string;
  readonly prefix: string;
  readonly display_name: string;
  readonly scopes: readonly string[];
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly successor_id: string | null;
  readonly last_used_at: Date | null;
}

const columns = `
  id, principal_id, prefix, display_name, scopes, created_at, created_by, expires_at, revoked_at, successor_id, last_used_at`;
const live = "revoked_at is null and (expires_at is null or expires_at > $2)";

/** What whoever shows the text may be told. */
export interface ShownKey extends Row {
  readonly id: string;
  readonly principal_id: string;
  readonly scopes: readonly string[];
  readonly expires_at: Date | null;
}

const shownStatement: Statement = {
  name: "auth.shown_api_key",
  text: `select id, principal_id, scopes, expires_at from api_key where token_hash = any($1::bytea[]) and ${live}`,
};

/** The live key of one of the hashes. */
export async function findShownKey(
  reader: Reader,
  hashes: readonly Buffer[],
  now: Date,
): Promise<ShownKey | undefined> {
  const [row] = await reader.rows<ShownKey>(shownStatement, [hashes, now.toISOString()]);
  return row;
}

const listStatement: Statement = {
  name: "auth.api_keys_of_account",
  text: `
    select ${columns} from api_key
    where principal_id = $1 and ($2::uuid is null or id > $2::uuid)
    order by id limit $3`,
};

/** In order of id, which is the order of making. */
export function listApiKeys(
  reader: Reader,
  principalId: string,
  after: string | undefined,
  limit: number,
): Promise<ApiKeyRow[]> {
  return reader.rows<ApiKeyRow>(listStatement, [principalId, after ?? null, limit]);
}

const lockStatement: Statement = {
  name: "auth.lock_api_key",
  text: `select ${columns} from api_key where id = $1 and principal_id = $2 for update`,
};

/** The account is part of the question: another's key is as absent as one that never was. */
export async function lockApiKey(tx: Transaction, id: string, principalId: string): Promise<ApiKeyRow | undefined> {
  const [row] = await tx.rows<ApiKeyRow>(lockStatement, [id, principalId]);
  return row;
}

const countStatement: Statement = {
  name: "auth.count_live_api_keys",
  text: `select count(*)::integer as count from api_key where principal_id = $1 and ${live}`,
};

export async function countLiveKeys(tx: Transaction, principalId: string, now: Date): Promise<number> {
  const [row] = await tx.rows<{ count: number }>(countStatement, [principalId, now.toISOString()]);
  return row?.count ?? 0;
}

const insertStatement: Statement = {
  name: "auth.insert_api_key",
  text: `
    insert into api_key (
      id, principal_id, token_hash, hash_version, prefix, display_name, scopes, created_at, created_by, expires_at
    ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
};

export async function insertApiKey(tx: Transaction, row: ApiKeyRow, hash: Mac): Promise<void> {
  const { id, principal_id, prefix, display_name, scopes, created_at, created_by, expires_at } = row;
  const told = [prefix, display_name, scopes, created_at.toISOString(), created_by, expires_at?.toISOString() ?? null];
  await tx.rows(insertStatement, [id, principal_id, hash.value, hash.version, ...told]);
}

const replaceStatement: Statement = {
  name: "auth.replace_api_key",
  text: "update api_key set successor_id = $2, expires_at = $3 where id = $1",
};

export async function replaceApiKey(tx: Transaction, id: string, successorId: string, expiresAt: Date): Promise<void> {
  await tx.rows(replaceStatement, [id, successorId, expiresAt.toISOString()]);
}

const revokeStatement: Statement = {
  name: "auth.revoke_api_key",
  text: "update api_key set revoked_at = $2 where id = $1 and revoked_at is null",
};

export async function revokeApiKey(tx: Transaction, id: string, now: Date): Promise<void> {
  await tx.rows(revokeStatement, [id, now.toISOString()]);
}

const dropStatement: Statement = {
  name: "auth.drop_api_keys_of_account",
  text: "delete from api_key where principal_id = $1",
};

export async function dropApiKeys(tx: Transaction, principalId: string): Promise<void> {
  await tx.rows(dropStatement, [principalId]);
}

const usedStatement: Statement = {
  name: "auth.api_keys_used",
  text: `
    update api_key set last_used_at = used.at
    from unnest($1::uuid[], $2::timestamptz[]) as used (id, at)
    where api_key.id = used.id and (api_key.last_used_at is null or api_key.last_used_at < used.at)`,
};

export async function noteKeysUsed(writer: LoneWriter, used: ReadonlyMap<string, Date>): Promise<void> {
  await writer.write(usedStatement, [[...used.keys()], [...used.values()].map((at) => at.toISOString())]);
}

const sweepStatement: Statement = {
  name: "auth.sweep_api_keys",
  text: "delete from api_key where least(revoked_at, expires_at) < $1",
};

/** Those that ended before. */
export async function sweepEndedKeys(writer: LoneWriter, before: Date): Promise<void> {
  await writer.write(sweepStatement, [before.toISOString()]);
}
