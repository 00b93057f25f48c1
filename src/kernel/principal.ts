// Who calls, what it was granted, and which grant decides. The whole rule of access stands in access-rule.ts.

export type PrincipalKind = "person" | "service_account";

export interface Grant {
  readonly permissions: ReadonlySet<string>;
  /** Canonical resource prefix such as `secrets/team-a`; the empty text stands for everything. */
  readonly resource: string;
  readonly effect: "allow" | "deny";
  /** Unix milliseconds; undefined = never. */
  readonly expiresAt: number | undefined;
}

/** What is known of a principal in the database; replaced as a whole whenever the feed says that it changed. */
export interface Standing {
  readonly principalId: string;
  readonly kind: PrincipalKind;
  readonly active: boolean;
  /** Raised when every credential of the principal dies at once; a token of an older generation is dead. */
  readonly generation: number;
  readonly roles: readonly string[];
  readonly grants: readonly Grant[];
}

/** What a token is bound to (`cnf` of RFC 7800): a key that signs DPoP proofs, or a client certificate. SHA-256, base64url. */
export interface Confirmation {
  readonly kind: "key" | "certificate";
  readonly thumbprint: string;
}

export interface Principal {
  /** UUID, without prefix. The empty text = a client that acts as nobody in particular, and holds nothing. */
  readonly id: string;
  readonly kind: PrincipalKind;
  readonly sessionId: string | undefined;
  readonly clientId: string;
  readonly tokenId: string;
  /** Permission names that the token narrows to; `*` narrows nothing. */
  readonly scopes: ReadonlySet<string>;
  readonly authenticationMethods: readonly string[];
  /** Class of the authentication (`acr`); undefined = none is said. */
  readonly authenticationContext?: string | undefined;
  readonly authenticatedAt: Date;
  readonly tokenExpiresAt: Date;
  readonly standing: Standing;
  /** Whoever bears the token must show that they have this; undefined = nothing. */
  readonly confirmation?: Confirmation | undefined;
  /** The client that called itself, and showed its secret if it has one. Undefined = somebody called with a token. */
  readonly client?: string | undefined;
  /** True = whoever calls acts for the principal (`act` of RFC 8693). */
  readonly delegated?: boolean | undefined;
}

/** The permission that stands for all; held by administrators. */
export const anyPermission = "*";

function covers(prefix: string, resource: string): boolean {
  if (prefix === "" || prefix === resource) return true;
  return resource.length > prefix.length && resource.startsWith(prefix) && resource.charCodeAt(prefix.length) === 47;
}

function concerns(grant: Grant, permission: string, now: number): boolean {
  if (grant.expiresAt !== undefined && grant.expiresAt <= now) return false;
  return grant.permissions.has(permission) || grant.permissions.has(anyPermission);
}

export function inScope(scopes: ReadonlySet<string>, permission: string): boolean {
  return scopes.has(anyPermission) || scopes.has(permission);
}

// Whoever makes many resources owns as many grants, and every call asks; by prefix there are only a few that can matter.
const byResource = new WeakMap<readonly Grant[], ReadonlyMap<string, readonly Grant[]>>();
const few = 16;

function indexed(grants: readonly Grant[]): ReadonlyMap<string, readonly Grant[]> {
  let index = byResource.get(grants);
  if (index === undefined) {
    index = Map.groupBy(grants, (grant) => grant.resource);
    byResource.set(grants, index);
  }
  return index;
}

/** At least those that cover `resource`: the resource itself, everything above it, and the empty prefix. */
function candidates<G extends Grant>(grants: readonly G[], resource: string): readonly G[] {
  if (grants.length <= few) return grants;
  const index = indexed(grants) as ReadonlyMap<string, readonly G[]>;
  const found = [...(index.get("") ?? [])];
  for (let end = resource.indexOf("/", 1); end > 0; end = resource.indexOf("/", end + 1))
    found.push(...(index.get(resource.slice(0, end)) ?? []));
  if (resource !== "") found.push(...(index.get(resource) ?? []));
  return found;
}

/** The live grant that decides: a denial when there is one, else one that allows; undefined when none says anything. */
export function decidingGrant<G extends Grant>(
  grants: readonly G[],
  permission: string,
  resource: string,
  now: number,
): G | undefined {
  let allowing: G | undefined;
  for (const grant of candidates(grants, resource)) {
    if (!concerns(grant, permission, now) || !covers(grant.resource, resource)) continue;
    if (grant.effect === "deny") return grant;
    allowing ??= grant;
  }
  return allowing;
}

/** True when some live grant allows `permission` on `resource` and no live grant denies it. Deny wins. */
export function granted(grants: readonly Grant[], permission: string, resource: string, now: number): boolean {
  return decidingGrant(grants, permission, resource, now)?.effect === "allow";
}

export interface Visibility {
  /** Prefixes at or below which the permission is held. Empty = nothing may be seen. */
  readonly allow: readonly string[];
  /** Prefixes at or below which it is denied, whatever `allow` says. */
  readonly deny: readonly string[];
}

/** Which parts of the tree under `parent` a listing may show. */
export function visibility(grants: readonly Grant[], permission: string, parent: string, now: number): Visibility {
  const allow: string[] = [];
  const deny: string[] = [];
  for (const grant of grants) {
    if (!concerns(grant, permission, now)) continue;
    const side = grant.effect === "deny" ? deny : allow;
    if (covers(grant.resource, parent)) side.push(parent);
    else if (covers(parent, grant.resource)) side.push(grant.resource);
  }
  return { allow: deny.includes(parent) ? [] : allow, deny };
}
