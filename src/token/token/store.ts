// The SQL of sessions and of what is asked about tokens. A session's row carries its whole refresh token family.
import type { Reader, Row, Statement, Transaction } from "../../kernel/database.ts";
import type { FamilyState } from "../domain/refresh-rules.ts";

/** What never changes about a session. */
export interface SessionFacts {
  readonly id: string;
  readonly principalId: string;
  readonly principalGeneration: number;
  readonly clientId: string;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly authenticationMethods: readonly string[];
  readonly authenticationContext: string;
  readonly authenticatedAt: Date;
  readonly absoluteExpiresAt: Date;
}

export interface StoredSession extends FamilyState {
  readonly facts: SessionFacts;
}

export interface SessionToInsert extends SessionFacts {
  readonly device: Buffer;
  readonly createdAt: Date;
  readonly refreshKeyVersion: number;
  readonly idleExpiresAt: Date;
}

export interface ListedSession {
  readonly id: string;
  readonly device: Buffer;
  readonly createdAt: Date;
  readonly refreshedAt: Date;
  readonly idleExpiresAt: Date;
  readonly absoluteExpiresAt: Date;
}

export interface Rotation {
  readonly presented: { readonly sessionId: string; readonly number: number; readonly keyVersion: number };
  readonly nextKeyVersion: number;
  readonly now: Date;
  readonly idleExpiresAt: Date;
}

interface SessionRow extends Row {
  readonly id: string;
  readonly principal_id: string;
  readonly principal_generation: number;
  readonly client_id: string;
  readonly audience: string;
  readonly scopes: string[];
  readonly authentication_methods: string[];
  readonly authentication_context: string;
  readonly authenticated_at: Date;
  readonly absolute_expires_at: Date;
  readonly refresh_number: number;
  readonly refresh_key_version: number;
  readonly refreshed_at: Date;
  readonly idle_expires_at: Date;
  readonly ended: boolean;
  readonly principal_stands: boolean;
}

interface ListedRow extends Row {
  readonly id: string;
  readonly device: Buffer;
  readonly created_at: Date;
  readonly refreshed_at: Date;
  readonly idle_expires_at: Date;
  readonly absolute_expires_at: Date;
}

const insertSessionStatement: Statement = {
  name: "token.session_insert",
  text: `
    insert into session (id, principal_id, principal_generation, client_id, audience, scopes, authentication_methods,
      authentication_context, authenticated_at, device, created_at, absolute_expires_at, refresh_number,
      refresh_key_version, refreshed_at, idle_expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $11, $14)`,
};

const sessionText = `
    select s.id, s.principal_id, s.principal_generation, s.client_id, s.audience, s.scopes, s.authentication_methods,
      s.authentication_context, s.authenticated_at, s.absolute_expires_at, s.refresh_number, s.refresh_key_version,
      s.refreshed_at, s.idle_expires_at, s.ended_at is not null as ended,
      p.state = 'active' and p.generation = s.principal_generation as principal_stands
    from session as s join principal as p on p.id = s.principal_id
    where s.id = $1`;

const findSessionStatement: Statement = { name: "token.session_find", text: sessionText };
const lockSessionStatement: Statement = { name: "token.session_lock", text: `${sessionText} for update of s` };

/**
 * The one statement of a refresh: of all that present the same number, one finds it current. The principal is asked in
 * the same breath, so that whoever was disabled renews nothing, whatever a replica remembers.
 */
const rotateStatement: Statement = {
  name: "token.session_rotate",
  text: `
    update session set refresh_number = refresh_number + 1, refresh_key_version = $4, refreshed_at = $5, idle_expires_at = $6
    where id = $1 and refresh_number = $2 and refresh_key_version = $3
      and ended_at is null and idle_expires_at > $5 and absolute_expires_at > $5
      and exists (
        select from principal as p
        where p.id = session.principal_id and p.state = 'active' and p.generation = session.principal_generation
      )
    returning id`,
};

const endSessionStatement: Statement = {
  name: "token.session_end",
  text: `
    update session set ended_at = $3, end_reason = $4
    where id = $1 and principal_id = $2 and ended_at is null and idle_expires_at > $3 and absolute_expires_at > $3
    returning id`,
};

const listSessionsStatement: Statement = {
  name: "token.session_list",
  text: `
    select s.id, s.device, s.created_at, s.refreshed_at, s.idle_expires_at, s.absolute_expires_at
    from session as s join principal as p on p.id = s.principal_id and p.generation = s.principal_generation
    where s.principal_id = $1 and ($2::uuid is null or s.id < $2)
      and s.ended_at is null and s.idle_expires_at > $3 and s.absolute_expires_at > $3
    order by s.id desc limit $4`,
};

const tokenStateStatement: Statement = {
  name: "token.access_state",
  text: `
    select not exists (select from session where id = $1 and principal_id = $2 and ended_at is null)
      or exists (select from feed where kind = 'token' and key = $3 and expires_at > $4) as revoked`,
};

function factsOf(row: SessionRow): SessionFacts {
  return {
    id: row.id,
    principalId: row.principal_id,
    principalGeneration: row.principal_generation,
    clientId: row.client_id,
    audience: row.audience,
    scopes: row.scopes,
    authenticationMethods: row.authentication_methods,
    authenticationContext: row.authentication_context,
    authenticatedAt: row.authenticated_at,
    absoluteExpiresAt: row.absolute_expires_at,
  };
}

function sessionOf(row: SessionRow): StoredSession {
  return {
    facts: factsOf(row),
    number: row.refresh_number,
    keyVersion: row.refresh_key_version,
    refreshedAt: row.refreshed_at,
    idleExpiresAt: row.idle_expires_at,
    absoluteExpiresAt: row.absolute_expires_at,
    ended: row.ended,
    principalStands: row.principal_stands,
  };
}

export async function insertSession(tx: Transaction, session: SessionToInsert): Promise<void> {
  await tx.rows(insertSessionStatement, [
    session.id,
    session.principalId,
    session.principalGeneration,
    session.clientId,
    session.audience,
    session.scopes,
    session.authenticationMethods,
    session.authenticationContext,
    session.authenticatedAt.toISOString(),
    session.device,
    session.createdAt.toISOString(),
    session.absoluteExpiresAt.toISOString(),
    session.refreshKeyVersion,
    session.idleExpiresAt.toISOString(),
  ]);
}

export async function findSession(reader: Reader, id: string): Promise<StoredSession | undefined> {
  const [row] = await reader.rows<SessionRow>(findSessionStatement, [id]);
  return row && sessionOf(row);
}

/** As it stands after everyone who was before us; nobody changes it until the transaction ends. */
export async function lockSession(tx: Transaction, id: string): Promise<StoredSession | undefined> {
  const [row] = await tx.rows<SessionRow>(lockSessionStatement, [id]);
  return row && sessionOf(row);
}

/** False when the presented token is not the current one of a live session of a standing principal. */
export async function rotateSession(tx: Transaction, rotation: Rotation): Promise<boolean> {
  const { sessionId, number, keyVersion } = rotation.presented;
  const rows = await tx.rows(rotateStatement, [
    sessionId,
    number,
    keyVersion,
    rotation.nextKeyVersion,
    rotation.now.toISOString(),
    rotation.idleExpiresAt.toISOString(),
  ]);
  return rows.length === 1;
}

/** False when the principal has no such live session. */
export async function endSession(
  tx: Transaction,
  principalId: string,
  sessionId: string,
  reason: string,
  now: Date,
): Promise<boolean> {
  const rows = await tx.rows(endSessionStatement, [sessionId, principalId, now.toISOString(), reason]);
  return rows.length === 1;
}

export async function listSessions(
  reader: Reader,
  principalId: string,
  after: string | undefined,
  limit: number,
  now: Date,
): Promise<readonly ListedSession[]> {
  const parameters = [principalId, after ?? null, now.toISOString(), limit];
  const rows = await reader.rows<ListedRow>(listSessionsStatement, parameters);
  return rows.map((row) => ({
    id: row.id,
    device: row.device,
    createdAt: row.created_at,
    refreshedAt: row.refreshed_at,
    idleExpiresAt: row.idle_expires_at,
    absoluteExpiresAt: row.absolute_expires_at,
  }));
}

/** Whether an access token was revoked, alone or with its session, as the database knows it. */
export async function readTokenState(
  reader: Reader,
  token: { readonly sessionId: string; readonly subject: string; readonly tokenId: string },
  now: Date,
): Promise<{ readonly revoked: boolean }> {
  const parameters = [token.sessionId, token.subject, token.tokenId, now.toISOString()];
  const [row] = await reader.rows<Row & { readonly revoked: boolean }>(tokenStateStatement, parameters);
  return { revoked: row?.revoked ?? true };
}
