// What creating and deleting a grant have in common. Changes of who may do what come one after the other, so that each
// decides on what those before it left, and two that are harmless alone cannot be harmful together.
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import { type Call, callerOf } from "../../kernel/handler.ts";
import { standingChangeLivesMs } from "../domain/access-rules.ts";
import { holdsThroughout } from "../domain/granting.ts";
import { readStanding } from "../standing/store.ts";
import { lastingAdministrators, permissionsOfRole } from "./store.ts";

/**
 * True when the caller holds every one of the permissions on the whole of the resource as of this transaction; the
 * scopes of its token narrow this like anything else.
 */
export async function heldNow(
  tx: Transaction,
  call: Call,
  permissions: ReadonlySet<string>,
  resource: string,
): Promise<boolean> {
  const inScope = [...permissions].every((permission) => call.holds(permission, resource));
  const standing = inScope ? await readStanding(tx, callerOf(call).id, call.now) : undefined;
  return standing?.active === true && holdsThroughout(standing.grants, permissions, resource, call.now.getTime());
}

/** Nobody gives, or takes a prohibition back from, what they lack. Throws ROLE_UNKNOWN, GRANT_EXCEEDS_OWN. */
export async function requireHeld(tx: Transaction, call: Call, role: string, resource: string): Promise<void> {
  const permissions = await permissionsOfRole(tx, role);
  if (permissions === undefined) throw new GatehouseError("ROLE_UNKNOWN");
  if (!(await heldNow(tx, call, permissions, resource))) throw new GatehouseError("GRANT_EXCEEDS_OWN");
}

/** Runs `change` to `principalId`; throws LAST_ADMINISTRATOR when it was the only lasting one and no longer is. */
export async function keepingAnAdministrator(
  tx: Transaction,
  now: Date,
  principalId: string,
  change: () => Promise<void>,
): Promise<void> {
  const before = await lastingAdministrators(tx, now);
  await change();
  if (before.length !== 1 || before[0] !== principalId) return;
  if ((await lastingAdministrators(tx, now)).length === 0) throw new GatehouseError("LAST_ADMINISTRATOR");
}

export function announceStanding(tx: Transaction, principalId: string, now: Date): void {
  tx.announce({ kind: "principal", key: principalId, expiresAt: new Date(now.getTime() + standingChangeLivesMs) });
}
