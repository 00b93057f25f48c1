// SQL of the installation's own roles.
import type { Reader, Row, Statement, Transaction } from "../../kernel/database.ts";

export interface RoleRow extends Row {
  readonly name: string;
  readonly permissions: readonly string[];
  readonly builtin: boolean;
  readonly description: string;
  /** Null for built-in roles. */
  readonly updated_at: Date | null;
}

const columns = "name, permissions, builtin, description, updated_at";

const findStatement: Statement = { name: "auth.role", text: `select ${columns} from role where name = $1` };

export async function findRole(reader: Reader, name: string): Promise<RoleRow | undefined> {
  const [row] = await reader.rows<RoleRow>(findStatement, [name]);
  return row;
}

const listStatement: Statement = {
  name: "auth.roles",
  text: `select ${columns} from role where name collate "C" > $1 order by name collate "C" limit $2`,
};

/** In order of name, byte by byte. */
export function listRoles(reader: Reader, after: string | undefined, limit: number): Promise<RoleRow[]> {
  return reader.rows<RoleRow>(listStatement, [after ?? "", limit]);
}

const builtinStatement: Statement = {
  name: "auth.builtin_permissions",
  text: "select distinct unnest(permissions) as permission from role where builtin",
};

/** What built-in roles hold, `*` among it. */
export async function builtinPermissions(reader: Reader): Promise<readonly string[]> {
  const rows = await reader.rows<{ permission: string }>(builtinStatement, []);
  return rows.map(({ permission }) => permission);
}

const countStatement: Statement = { name: "auth.count_roles", text: "select count(*)::integer as count from role" };

export async function countRoles(reader: Reader): Promise<number> {
  const [row] = await reader.rows<{ count: number }>(countStatement, []);
  return row?.count ?? 0;
}

export interface RoleContent {
  readonly name: string;
  readonly permissions: readonly string[];
  readonly description: string;
  readonly now: Date;
}

/** Name of the constraint that holds when there is a role of the name. */
export const roleOnce = "role_pkey";

const insertStatement: Statement = {
  name: "auth.insert_role",
  text: "insert into role (name, permissions, description, updated_at) values ($1, $2, $3, $4)",
};

/** Raises `roleOnce`. */
export async function insertRole(tx: Transaction, { name, permissions, description, now }: RoleContent): Promise<void> {
  await tx.rows(insertStatement, [name, permissions, description, now.toISOString()]);
}

const updateStatement: Statement = {
  name: "auth.update_role",
  text: "update role set permissions = $2, description = $3, updated_at = $4 where name = $1",
};

export async function updateRole(tx: Transaction, { name, permissions, description, now }: RoleContent): Promise<void> {
  await tx.rows(updateStatement, [name, permissions, description, now.toISOString()]);
}

const dropExpiredStatement: Statement = {
  name: "auth.drop_expired_grants_of_role",
  text: "delete from access_grant where role = $1 and expires_at <= $2",
};

const heldStatement: Statement = {
  name: "auth.role_in_use",
  text: "select 1 as held from access_grant where role = $1 limit 1",
};

/** Whether somebody holds it; grants that have expired are nobody's. */
export async function isRoleInUse(tx: Transaction, name: string, now: Date): Promise<boolean> {
  await tx.rows(dropExpiredStatement, [name, now.toISOString()]);
  return (await tx.rows(heldStatement, [name])).length > 0;
}

const deleteStatement: Statement = { name: "auth.delete_role", text: "delete from role where name = $1" };

export async function deleteRole(tx: Transaction, name: string): Promise<void> {
  await tx.rows(deleteStatement, [name]);
}
