// The two group roles that hold the rights; logins are members of one. Roles belong to the whole server, so another
// installation or a racing migrator may have made them already.
import pg from "pg";
import { StartRefused } from "../kernel/start-refused.ts";

const groupRoles = ["gatehouse_app", "gatehouse_log"] as const;

const duplicateObject = "42710";
const uniqueViolation = "23505";
const insufficientPrivilege = "42501";

async function createGroupRole(client: pg.ClientBase, role: string): Promise<void> {
  try {
    await client.query(`create role ${pg.escapeIdentifier(role)} nologin`);
  } catch (error) {
    const state = error instanceof pg.DatabaseError ? error.code : undefined;
    if (state === duplicateObject || state === uniqueViolation) return;
    if (state !== insufficientPrivilege) throw error;
    throw new StartRefused(
      `the owner login may not create roles: create the roles ${groupRoles.join(" and ")} (nologin) by hand, then migrate again`,
    );
  }
}

/** Outside a transaction, because a lost race would end it. */
export async function ensureGroupRoles(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>(
    "select rolname from pg_catalog.pg_roles where rolname = any($1)",
    [groupRoles],
  );
  const present = new Set(rows.map((row) => row.rolname));
  for (const role of groupRoles) if (!present.has(role)) await createGroupRole(client, role);
}
