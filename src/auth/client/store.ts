// SQL of clients.
import type { Reader, Row, Statement, Transaction } from "../../kernel/database.ts";
import type { ClientContent } from "../domain/client-rules.ts";

export interface StoredClient extends ClientContent {
  readonly id: string;
  readonly generation: number;
  readonly confidential: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface ClientRow extends Row {
  readonly id: string;
  readonly generation: number;
  readonly state: string;
  readonly confidential: boolean;
  readonly display_name: string;
  readonly logins: boolean;
  readonly exchange: boolean;
  readonly principal_id: string | null;
  readonly audiences: readonly string[];
  readonly scopes: readonly string[];
  readonly access_token_lifetime_ms: number | null;
  readonly refresh_token_lifetime_ms: number | null;
  readonly algorithm: NonNullable<ClientContent["algorithm"]> | null;
  readonly refresh_rotation: ClientContent["refreshRotation"];
  readonly sender_constraint: ClientContent["senderConstraint"];
  readonly encryption_key: Readonly<Record<string, string>> | null;
  readonly display_name_claim: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const columns = `id, generation, state, confidential, display_name, logins, exchange, principal_id, audiences, scopes,
      access_token_lifetime_ms, refresh_token_lifetime_ms, algorithm, refresh_rotation, sender_constraint, encryption_key,
      display_name_claim, created_at, updated_at`;

const findStatement: Statement = {
  name: "auth.client",
  text: `select ${columns} from client where id = $1 and state <> 'deleted'`,
};
const lockStatement: Statement = {
  name: "auth.lock_client",
  text: `select ${columns} from client where id = $1 and state <> 'deleted' for update`,
};
const listStatement: Statement = {
  name: "auth.clients",
  text: `select ${columns} from client where id > $1 and state <> 'deleted' order by id limit $2`,
};
const countStatement: Statement = {
  name: "auth.count_clients",
  text: "select count(*)::integer as count from client where state <> 'deleted'",
};

export function clientOf(row: ClientRow): StoredClient {
  return {
    id: row.id,
    generation: row.generation,
    confidential: row.confidential,
    displayName: row.display_name,
    disabled: row.state !== "active",
    logins: row.logins,
    exchange: row.exchange,
    principalId: row.principal_id ?? undefined,
    audiences: row.audiences,
    scopes: row.scopes,
    accessTokenLifetimeMs: row.access_token_lifetime_ms ?? undefined,
    refreshTokenLifetimeMs: row.refresh_token_lifetime_ms ?? undefined,
    algorithm: row.algorithm ?? undefined,
    refreshRotation: row.refresh_rotation,
    senderConstraint: row.sender_constraint,
    encryptionKey: row.encryption_key ?? undefined,
    displayNameClaim: row.display_name_claim,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Undefined = there is none, or no longer. */
export async function findClient(reader: Reader, id: string): Promise<StoredClient | undefined> {
  const [row] = await reader.rows<ClientRow>(findStatement, [id]);
  return row && clientOf(row);
}

/** As `findClient`; nobody changes it until the transaction ends. */
export async function lockClient(tx: Transaction, id: string): Promise<StoredClient | undefined> {
  const [row] = await tx.rows<ClientRow>(lockStatement, [id]);
  return row && clientOf(row);
}

/** In order of id, byte by byte. */
export async function listClients(
  reader: Reader,
  after: string | undefined,
  limit: number,
): Promise<readonly StoredClient[]> {
  return (await reader.rows<ClientRow>(listStatement, [after ?? "", limit])).map(clientOf);
}

export async function countClients(reader: Reader): Promise<number> {
  const [row] = await reader.rows<{ count: number }>(countStatement, []);
  return row?.count ?? 0;
}

/** Name of the constraint that holds when the id is, or was, that of a client. */
export const clientOnce = "client_pkey";

const insertStatement: Statement = {
  name: "auth.insert_client",
  text: `
    insert into client (state, display_name, logins, exchange, principal_id, audiences, scopes, access_token_lifetime_ms,
      refresh_token_lifetime_ms, algorithm, refresh_rotation, sender_constraint, encryption_key, display_name_claim,
      updated_at, id, confidential, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $15)`,
};

const updateStatement: Statement = {
  name: "auth.update_client",
  text: `
    update client set state = $1, display_name = $2, logins = $3, exchange = $4, principal_id = $5, audiences = $6,
      scopes = $7, access_token_lifetime_ms = $8, refresh_token_lifetime_ms = $9, algorithm = $10, refresh_rotation = $11,
      sender_constraint = $12, encryption_key = $13, display_name_claim = $14, updated_at = $15, generation = $17
    where id = $16`,
};

function contentParameters(content: ClientContent, now: Date): readonly unknown[] {
  return [
    content.disabled ? "disabled" : "active",
    content.displayName,
    content.logins,
    content.exchange,
    content.principalId ?? null,
    content.audiences,
    content.scopes,
    content.accessTokenLifetimeMs ?? null,
    content.refreshTokenLifetimeMs ?? null,
    content.algorithm ?? null,
    content.refreshRotation,
    content.senderConstraint,
    content.encryptionKey === undefined ? null : JSON.stringify(content.encryptionKey),
    content.displayNameClaim,
    now.toISOString(),
  ];
}

/** Raises `clientOnce`. */
export async function insertClient(
  tx: Transaction,
  client: { readonly id: string; readonly confidential: boolean; readonly content: ClientContent; readonly now: Date },
): Promise<void> {
  const { id, confidential, content, now } = client;
  await tx.rows(insertStatement, [...contentParameters(content, now), id, confidential]);
}

export async function updateClient(
  tx: Transaction,
  client: { readonly id: string; readonly generation: number; readonly content: ClientContent; readonly now: Date },
): Promise<void> {
  const { id, generation, content, now } = client;
  await tx.rows(updateStatement, [...contentParameters(content, now), id, generation]);
}

const deleteStatement: Statement = {
  name: "auth.delete_client",
  text: "update client set state = 'deleted', generation = generation + 1, updated_at = $2 where id = $1",
};

/** Its secrets must go with it. */
export async function deleteClient(tx: Transaction, id: string, now: Date): Promise<void> {
  await tx.rows(deleteStatement, [id, now.toISOString()]);
}

const endTokensStatement: Statement = {
  name: "auth.end_tokens_of_client",
  text: "update client set generation = generation + 1, updated_at = $2 where id = $1",
};

export async function endTokensOfClient(tx: Transaction, id: string, now: Date): Promise<void> {
  await tx.rows(endTokensStatement, [id, now.toISOString()]);
}

/** Arbitrary, but the same for every replica: the number of the lock under which clients are counted. */
const countLock = 4_801_224;

const countLockStatement: Statement = { name: "auth.lock_client_count", text: "select pg_advisory_xact_lock($1)" };

/** Two that are made at once would each find room for one. */
export async function lockClientCount(tx: Transaction): Promise<void> {
  await tx.rows(countLockStatement, [countLock]);
}
