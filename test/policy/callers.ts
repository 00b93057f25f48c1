// The kinds of callers that every method is judged by: who they are, what their token says, where they call from.
import { readFileSync } from "node:fs";
import type { Grant, Principal } from "../../src/kernel/principal.ts";
import type { KnownTokens } from "../fakes/authenticator.ts";
import { noon } from "../fakes/chain.ts";
import { allow, deny, principalOf } from "../fakes/principal.ts";
import { caller } from "./requests.ts";

const migration = new URL("../../src/postgres/migrations/0001_initial.sql", import.meta.url);

/** The built-in roles as the migration makes them. */
const builtinRoles: ReadonlyMap<string, readonly string[]> = new Map(
  [...readFileSync(migration, "utf8").matchAll(/\('([a-z]+)', '\{([^}]+)\}', true\)/g)].map(
    ([, name = "", list = ""]) => [name, list.split(",")],
  ),
);

export const adminNetwork = "192.0.2.0/24";
export const stepUpAgeMs = 12 * 3_600_000;
const inside = "192.0.2.1";
const outside = "198.51.100.7";

export interface Caller {
  readonly name: string;
  readonly token?: KnownTokens[string];
  readonly address: string;
  /** Shown in the handshake: bound to a principal, to none, or revoked since. */
  readonly certificate?: { readonly boundTo?: Principal; readonly revoked?: boolean };
}

function roleOn(role: string, resource: string): Grant {
  return { ...allow("", resource), permissions: new Set(builtinRoles.get(role)) };
}

/** Everybody who may call a method that asks for `permission` on `resource`. */
export function callersOf(permission: string, resource: string): readonly Caller[] {
  const lately = { authenticatedAt: new Date(noon.getTime() - 60_000) };
  const by = (grants: readonly Grant[], more: Partial<Principal> = {}): Principal => {
    const principal = principalOf({ id: caller, grants, ...(more.kind === undefined ? {} : { kind: more.kind }) });
    return { ...principal, ...lately, ...more };
  };
  const right = [allow(permission, resource)];
  const admin = [roleOn("admin", "")];
  const workload = by(right, { kind: "service_account", sessionId: undefined });
  const from = (name: string, token: Caller["token"], more: Partial<Caller> = {}): Caller => ({
    name,
    address: inside,
    ...(token === undefined ? {} : { token }),
    ...more,
  });
  return [
    from("anonymous", undefined),
    from("forged", "TOKEN_SIGNATURE_INVALID"),
    from("expired", "TOKEN_EXPIRED"),
    from("revoked", "TOKEN_REVOKED"),
    from("other audience", "TOKEN_WRONG_AUDIENCE"),
    from("no grant", by([])),
    ...[...builtinRoles.keys()].map((role) => from(role, by([roleOn(role, "")]))),
    from("owner", by([roleOn("editor", resource)])),
    from("right grant", by(right)),
    from("grant beside", by([allow(permission, `${resource}x`), allow(permission, "elsewhere")])),
    from("grant ended", by([allow(permission, resource, noon.getTime())])),
    from("denied", by([...admin, deny(permission, resource)])),
    from("scope elsewhere", by(admin, { scopes: new Set(["another.permission"]) })),
    from("service account", by(right, { kind: "service_account", sessionId: undefined })),
    from("workload", undefined, { certificate: { boundTo: workload } }),
    from("workload elsewhere", undefined, { certificate: { boundTo: by([], { kind: "service_account" }) } }),
    from("unbound certificate", undefined, { certificate: {} }),
    from("certificate and token", by(right), { certificate: {} }),
    from("certificate for a dead token", "TOKEN_EXPIRED", { certificate: { boundTo: workload } }),
    from("revoked certificate", by(admin), { certificate: { boundTo: workload, revoked: true } }),
    from("old login", by(admin, { authenticatedAt: new Date(noon.getTime() - stepUpAgeMs - 1) })),
    from("login to come", by(admin, { authenticatedAt: new Date(noon.getTime() + 120_000) })),
    from("other network", by(admin), { address: outside }),
    from("unix socket", by(admin), { address: "unix" }),
  ];
}
