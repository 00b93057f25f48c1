// The SQL of sessions and of what is asked about tokens. A session's row carries its whole refresh token family.
import type { Reader, Row, Statement, Transaction } from "../../kernel/database.ts";
import type { Confirmation } from "../../kernel/principal.ts";
import type { FamilyState } from "../domain/refresh-rules.ts";

/** What never changes about a session. */
export interface SessionFacts {
  readonly id: string;
  readonly principalId: string;
  readonly principalGeneration: number;
  readonly clientId: string;
  /** Undefined = of the built-in client, which never changes. */
  readonly clientGeneration: number | undefined;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly authenticationMethods: readonly string[];
  readonly authenticationContext: string;
  readonly authenticatedAt: Date;
  readonly absoluteExpiresAt: Date;
  /** What its refresh tokens are bound to, where no secret of the client guards them. */
  readonly confirmation?: Confirmation | undefined;
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

interface SessionRow extends Row {
  readonly id: string;
  readonly principal_id: string;
  readonly principal_generation: number;
  readonly client_id: string;
  readonly client_generation: number | null;
  readonly confirmation: string | null;
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
  readonly client_stands: boolean;
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
      refresh_key_version, refreshed_at, idle_expires_at, client_generation, confirmation)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $11, $14, $15, $16)`,
};

/** The client of session `s`, as it was when the session was opened; the built-in one always stands. */
export const clientStands = `(s.client_generation is null or exists (
        select from client as c where c.id = s.client_id and c.generation = s.client_generation and c.state = 'active'
      ))`;

const sessionText = `
    select s.id, s.principal_id, s.principal_generation, s.client_id, s.audience, s.scopes, s.authentication_methods,
      s.authentication_context, s.authenticated_at, s.absolute_expires_at, s.refresh_number, s.refresh_key_version,
      s.refreshed_at, s.idle_expires_at, s.ended_at is not null as ended, s.client_generation, s.confirmation,
      p.state = 'active' and p.generation = s.principal_generation as principal_stands,
      ${clientStands} as client_stands
    from session as s join principal as p on p.id = s.principal_id`;

const findSessionStatement: Statement = { name: "token.session_find", text: `${sessionText} where s.id = $1` };
const findSessionsStatement: Statement = {
  name: "token.sessions_find",
  text: `${sessionText} where s.id = any($1::uuid[])`,
};
const lockSessionStatement: Statement = {
  name: "token.session_lock",
  text: `${sessionText} where s.id = $1 for update of s`,
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
      and s.ended_at is null and s.idle_expires_at > $3 and s.absolute_expires_at > $3 and ${clientStands}
    order by s.id desc limit $4`,
};

/** `key:<thumbprint>` or `certificate:<thumbprint>`. */
function confirmationOf(text: string | null): Confirmation | undefined {
  if (text === null) return undefined;
  const [kind, thumbprint = ""] = text.split(":");
  return { kind: kind === "key" ? "key" : "certificate", thumbprint };
}

function factsOf(row: SessionRow): SessionFacts {
  return {
    id: row.id,
    principalId: row.principal_id,
    principalGeneration: row.principal_generation,
    clientId: row.client_id,
    clientGeneration: row.client_generation ?? undefined,
    confirmation: confirmationOf(row.confirmation),
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
    clientStands: row.client_stands,
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
    session.clientGeneration ?? null,
    session.confirmation === undefined ? null : `${session.confirmation.kind}:${session.confirmation.thumbprint}`,
  ]);
}

/** Those that there are, in no order. */
export async function findSessions(reader: Reader, ids: readonly string[]): Promise<readonly StoredSession[]> {
  return (await reader.rows<SessionRow>(findSessionsStatement, [ids])).map(sessionOf);
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
