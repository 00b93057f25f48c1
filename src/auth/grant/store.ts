// SQL of grants and roles, and the rule that the last administrator stays.
import type { Reader, Row, Statement, Transaction } from "../../kernel/database.ts";
import type { Grant } from "../../kernel/principal.ts";
import { everything } from "../domain/access-rules.ts";
import { grantIn } from "../standing/store.ts";

export interface GrantRow {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly principal_id: string;
  readonly role: string;
  readonly resource: string;
  readonly effect: "allow" | "deny";
  readonly expires_at: Date | null;
  readonly created_at: Date;
  readonly created_by: string | null;
}

const columns = "id, principal_id, role, resource, effect, expires_at, created_at, created_by";

/** Arbitrary, but the same for every replica: the number of the lock that orders changes of who may do what. */
const changeOrderLock = 4_801_223;

const lockStatement: Statement = { name: "auth.lock_access_changes", text: "select pg_advisory_xact_lock($1)" };

/** First in every transaction that changes grants by request, so that each sees what those before it did. */
export async function lockAccessChanges(tx: Transaction): Promise<void> {
  await tx.rows(lockStatement, [changeOrderLock]);
}

const roleStatement: Statement = {
  name: "auth.role_permissions",
  text: "select permissions from role where name = $1",
};

/** Undefined = no such role. */
export async function permissionsOfRole(reader: Reader, role: string): Promise<ReadonlySet<string> | undefined> {
  const [row] = await reader.rows<{ permissions: readonly string[] }>(roleStatement, [role]);
  return row === undefined ? undefined : new Set(row.permissions);
}

const grantStatement: Statement = {
  name: "auth.grant",
  text: `select ${columns} from access_grant where id = $1`,
};

export async function findGrant(reader: Reader, id: string): Promise<GrantRow | undefined> {
  const [row] = await reader.rows<GrantRow>(grantStatement, [id]);
  return row;
}

const listStatement: Statement = {
  name: "auth.grants_of_principal",
  text: `
    select ${columns} from access_grant
    where principal_id = $1 and ($2::uuid is null or id > $2::uuid)
    order by id limit $3`,
};

/** In order of id, which is the order of making. */
export function listGrants(
  reader: Reader,
  principalId: string,
  after: string | undefined,
  limit: number,
): Promise<GrantRow[]> {
  return reader.rows<GrantRow>(listStatement, [principalId, after ?? null, limit]);
}

export interface ExplainedGrant extends Grant {
  readonly row: GrantRow;
}

interface PermittingRow extends GrantRow {
  readonly permissions: readonly string[];
}

const explainedStatement: Statement = {
  name: "auth.explained_grants",
  text: `
    select g.id, g.principal_id, g.role, g.resource, g.effect, g.expires_at, g.created_at, g.created_by, r.permissions
    from access_grant g
    join role r on r.name = g.role
    where g.principal_id = $1
    order by g.id`,
};

/** As the rule of access reads them, each with what it came from. */
export async function grantsWithPermissions(reader: Reader, principalId: string): Promise<readonly ExplainedGrant[]> {
  const rows = await reader.rows<PermittingRow>(explainedStatement, [principalId]);
  return rows.flatMap((row) => {
    const grant = grantIn(row);
    return grant === undefined ? [] : { ...grant, row };
  });
}

/** A lasting administrator holds everything everywhere for ever, is active, and nothing is denied to it. */
const lastingStatement: Statement = {
  name: "auth.lasting_administrators",
  text: `
    select distinct p.id
    from access_grant g
    join role r on r.name = g.role and '*' = any(r.permissions)
    join principal p on p.id = g.principal_id and p.state = 'active' and p.kind = 'person'
    where g.resource = $2 and g.effect = 'allow' and g.expires_at is null
      and not exists (
        select 1 from access_grant d
        where d.principal_id = p.id and d.effect = 'deny' and (d.expires_at is null or d.expires_at > $1)
      )
    limit 2`,
};

/** Up to two of them, which is enough to know whether there is another. */
export async function lastingAdministrators(reader: Reader, now: Date): Promise<readonly string[]> {
  const rows = await reader.rows<{ id: string }>(lastingStatement, [now.toISOString(), everything]);
  return rows.map(({ id }) => id);
}

export interface NewGrant {
  readonly id: string;
  readonly principalId: string;
  readonly role: string;
  readonly resource: string;
  readonly effect: "allow" | "deny";
  readonly expiresAt: Date | undefined;
  readonly now: Date;
  /** Undefined = the server itself. */
  readonly createdBy: string | undefined;
}

const dropExpiredStatement: Statement = {
  name: "auth.drop_expired_grant",
  text: `
    delete from access_grant
    where principal_id = $1 and role = $2 and resource = $3 and effect = $4 and expires_at <= $5`,
};

const insertStatement: Statement = {
  name: "auth.insert_grant",
  text: `
    insert into access_grant (${columns})
    values ($1, $2, $3, $4, $5, $6, $7, $8)`,
};

/** Name of the constraint that holds when the principal has this grant already. */
export const grantOnce = "access_grant_once";

/** A grant of the same that has expired makes way. Raises `grantOnce`. */
export async function insertGrant(tx: Transaction, grant: NewGrant): Promise<void> {
  const { id, principalId, role, resource, effect, expiresAt, now, createdBy } = grant;
  const expiry = expiresAt?.toISOString() ?? null;
  await tx.rows(dropExpiredStatement, [principalId, role, resource, effect, now.toISOString()]);
  const values = [id, principalId, role, resource, effect, expiry, now.toISOString(), createdBy ?? null];
  await tx.rows(insertStatement, values);
}

const ownStatement: Statement = {
  name: "auth.insert_ownership",
  text: `
    insert into access_grant (${columns})
    values ($1, $2, 'editor', $3, 'allow', null, $4, null)
    on conflict on constraint access_grant_once do update set expires_at = null
    returning (select permissions from role where name = 'editor') as permissions`,
};

interface OwnershipRow extends Row {
  readonly permissions: readonly string[];
}

/** Answers what the owner may do from now on. */
export async function insertOwnership(
  tx: Transaction,
  owned: { readonly id: string; readonly principalId: string; readonly resource: string; readonly now: Date },
): Promise<readonly string[]> {
  const values = [owned.id, owned.principalId, owned.resource, owned.now.toISOString()];
  const [row] = await tx.rows<OwnershipRow>(ownStatement, values);
  return row?.permissions ?? [];
}

const deleteStatement: Statement = { name: "auth.delete_grant", text: "delete from access_grant where id = $1" };

export async function deleteGrant(tx: Transaction, id: string): Promise<void> {
  await tx.rows(deleteStatement, [id]);
}
