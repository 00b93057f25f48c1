// SQL of the secrets of clients. A secret itself is never here, only its keyed hash.
import type { LoneWriter, Reader, Row, Statement, Transaction } from "../../kernel/database.ts";

export interface StoredSecret {
  readonly id: string;
  readonly hint: string;
  readonly hash: { readonly value: Buffer; readonly version: number };
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
  /** To about a minute; undefined = never. */
  readonly lastUsedAt: Date | undefined;
}

export interface SecretRow extends Row {
  readonly secret_id: string;
  readonly client_id: string;
  readonly secret_hash: Buffer;
  readonly hash_version: number;
  readonly hint: string;
  readonly secret_created_at: Date;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
}

const secretColumns = `id as secret_id, client_id, secret_hash, hash_version, hint, created_at as secret_created_at, expires_at, last_used_at`;

const secretsStatement: Statement = {
  name: "auth.secrets_of_client",
  text: `select ${secretColumns} from client_secret where client_id = $1 and (expires_at is null or expires_at > $2) order by id`,
};

export function secretOf(row: SecretRow): StoredSecret {
  return {
    id: row.secret_id,
    hint: row.hint,
    hash: { value: row.secret_hash, version: row.hash_version },
    createdAt: row.secret_created_at,
    expiresAt: row.expires_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}

/** Those that work, oldest first. */
export async function liveSecrets(reader: Reader, clientId: string, now: Date): Promise<readonly StoredSecret[]> {
  return (await reader.rows<SecretRow>(secretsStatement, [clientId, now.toISOString()])).map(secretOf);
}

const dropExpiredStatement: Statement = {
  name: "auth.drop_expired_client_secrets",
  text: "delete from client_secret where client_id = $1 and expires_at <= $2",
};

const insertSecretStatement: Statement = {
  name: "auth.insert_client_secret",
  text: `
    insert into client_secret (id, client_id, secret_hash, hash_version, hint, created_at, created_by, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)`,
};

/** Secrets that have expired make way. */
export async function insertSecret(
  tx: Transaction,
  clientId: string,
  secret: StoredSecret,
  createdBy: string,
): Promise<void> {
  const { id, hash, hint, createdAt, expiresAt } = secret;
  await tx.rows(dropExpiredStatement, [clientId, createdAt.toISOString()]);
  const times = [createdAt.toISOString(), createdBy, expiresAt?.toISOString() ?? null];
  await tx.rows(insertSecretStatement, [id, clientId, hash.value, hash.version, hint, ...times]);
}

const endSecretsStatement: Statement = {
  name: "auth.end_client_secrets",
  text: "update client_secret set expires_at = $2 where client_id = $1 and (expires_at is null or expires_at > $2)",
};

/** Those that would work longer end then. */
export async function endSecretsAt(tx: Transaction, clientId: string, end: Date): Promise<void> {
  await tx.rows(endSecretsStatement, [clientId, end.toISOString()]);
}

const deleteSecretStatement: Statement = {
  name: "auth.delete_client_secret",
  text: "delete from client_secret where client_id = $1 and id = $2 and (expires_at is null or expires_at > $3) returning id",
};

/** False when the client has no such secret that works. */
export async function deleteSecret(tx: Transaction, clientId: string, id: string, now: Date): Promise<boolean> {
  return (await tx.rows(deleteSecretStatement, [clientId, id, now.toISOString()])).length === 1;
}

const deleteSecretsStatement: Statement = {
  name: "auth.delete_client_secrets",
  text: "delete from client_secret where client_id = $1",
};

export async function deleteSecrets(tx: Transaction, clientId: string): Promise<void> {
  await tx.rows(deleteSecretsStatement, [clientId]);
}

const usedStatement: Statement = {
  name: "auth.client_secrets_used",
  text: `
    update client_secret set last_used_at = used.at
    from unnest($1::uuid[], $2::timestamptz[]) as used (id, at)
    where client_secret.id = used.id and (client_secret.last_used_at is null or client_secret.last_used_at < used.at)`,
};

export async function noteSecretsUsed(writer: LoneWriter, used: ReadonlyMap<string, Date>): Promise<void> {
  await writer.write(usedStatement, [[...used.keys()], [...used.values()].map((at) => at.toISOString())]);
}
