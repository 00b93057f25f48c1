// What creating, updating and deleting a role have in common.
import type { Contracts } from "../../kernel/contracts.ts";
import type { Reader, Transaction } from "../../kernel/database.ts";
import { type FieldViolation, GatehouseError } from "../../kernel/errors.ts";
import type { Call } from "../../kernel/handler.ts";
import { anyPermission } from "../../kernel/principal.ts";
import { everything, standingChangeLivesMs } from "../domain/access-rules.ts";
import { builtinPermissions, findRole, type RoleRow } from "../role/store.ts";
import { heldNow } from "./change-access.ts";

/** The role, which may be changed. Throws ROLE_NOT_FOUND, ROLE_BUILT_IN. */
export async function findOwnRole(tx: Transaction, name: string): Promise<RoleRow> {
  const role = await findRole(tx, name);
  if (role === undefined) throw new GatehouseError("ROLE_NOT_FOUND");
  if (role.builtin) throw new GatehouseError("ROLE_BUILT_IN");
  return role;
}

/**
 * The list is closed: what no contract and no built-in role names would be a promise that nothing keeps. Of `asked`, as the
 * request has it, those that are new to the role must be known.
 */
export async function requireKnown(
  reader: Reader,
  contracts: Contracts,
  asked: readonly string[],
  fresh: (permission: string) => boolean = () => true,
): Promise<void> {
  const known = new Set([...contracts.permissions(), ...(await builtinPermissions(reader))]);
  known.delete(anyPermission);
  const violations: FieldViolation[] = asked.flatMap((permission, index) =>
    known.has(permission) || !fresh(permission)
      ? []
      : { field: `permissions[${index}]`, description: "must be a permission of a contract" },
  );
  if (violations.length > 0) throw new GatehouseError("REQUEST_INVALID", { violations });
}

/** Wherever a role is granted, now or later, the change counts; so it takes the permissions on everything. */
export async function requireHeldEverywhere(
  tx: Transaction,
  call: Call,
  permissions: ReadonlySet<string>,
): Promise<void> {
  if (!(await heldNow(tx, call, permissions, everything))) throw new GatehouseError("ROLE_EXCEEDS_OWN");
}

export function announceRole(tx: Transaction, name: string, now: Date): void {
  tx.announce({ kind: "role", key: name, expiresAt: new Date(now.getTime() + standingChangeLivesMs) });
}
