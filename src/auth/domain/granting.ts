// Nobody grants what they lack.
import { anyPermission, type Grant, granted } from "../../kernel/principal.ts";

/** True when one of the prefixes covers the other. */
function related(a: string, b: string): boolean {
  if (a === "" || b === "" || a === b) return true;
  return a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

function sharesPermission(grant: Grant, permissions: ReadonlySet<string>): boolean {
  if (permissions.has(anyPermission) || grant.permissions.has(anyPermission)) return true;
  return [...permissions].some((permission) => grant.permissions.has(permission));
}

/**
 * True when `grants` give every one of `permissions` on the whole of `resource`. A deny of any of them anywhere below
 * counts as lacking: otherwise who is kept out of a part could give the whole to an accomplice.
 */
export function holdsThroughout(
  grants: readonly Grant[],
  permissions: ReadonlySet<string>,
  resource: string,
  now: number,
): boolean {
  const live = grants.filter((grant) => grant.expiresAt === undefined || grant.expiresAt > now);
  const kept = live.some(
    (grant) => grant.effect === "deny" && related(grant.resource, resource) && sharesPermission(grant, permissions),
  );
  if (kept) return false;
  return [...permissions].every((permission) => granted(live, permission, resource, now));
}
