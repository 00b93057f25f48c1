// Nobody makes a credential that may do more than they may: what of a principal's grants a credential could use.
import { anyPermission, type Grant } from "../../kernel/principal.ts";

export interface Reach {
  readonly permissions: ReadonlySet<string>;
  readonly resource: string;
}

/** What a live grant gives through scopes that narrow it; empty = nothing. */
function narrowed({ permissions }: Grant, scopes: readonly string[]): ReadonlySet<string> {
  if (scopes.includes(anyPermission)) return permissions;
  if (permissions.has(anyPermission)) return new Set(scopes);
  return new Set(scopes.filter((scope) => permissions.has(scope)));
}

/** Where, and as what, whoever holds the credential may act. Prohibitions are left out, so it is never too little. */
export function reachOf(grants: readonly Grant[], scopes: readonly string[], now: number): readonly Reach[] {
  return grants.flatMap((grant) => {
    if (grant.effect === "deny" || (grant.expiresAt !== undefined && grant.expiresAt <= now)) return [];
    const permissions = narrowed(grant, scopes);
    return permissions.size === 0 ? [] : [{ permissions, resource: grant.resource }];
  });
}
