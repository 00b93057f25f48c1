// Principals and grants for tests, with everything that a test does not speak of filled in.
import type { Grant, Principal } from "../../src/kernel/principal.ts";

export const alice = "01890000-0000-7000-8000-00000000000a";
export const bob = "01890000-0000-7000-8000-00000000000b";

export function allow(permission: string, resource: string, expiresAt?: number): Grant {
  return { permissions: new Set([permission]), resource, effect: "allow", expiresAt };
}

export function deny(permission: string, resource: string, expiresAt?: number): Grant {
  return { ...allow(permission, resource, expiresAt), effect: "deny" };
}

export function principalOf(
  options: {
    readonly id?: string;
    readonly grants?: readonly Grant[];
    readonly scopes?: readonly string[];
    readonly kind?: "person" | "service_account";
  } = {},
): Principal {
  const { id = alice, grants = [], scopes = ["*"], kind = "person" } = options;
  return {
    id,
    kind,
    sessionId: "01890000-0000-7000-8000-0000000000aa",
    clientId: "cli",
    tokenId: "01890000-0000-7000-8000-0000000000bb",
    scopes: new Set(scopes),
    authenticationMethods: ["pwd"],
    authenticatedAt: new Date(0),
    tokenExpiresAt: new Date(4_102_444_800_000),
    standing: { principalId: id, kind, active: true, generation: 0, roles: [], grants },
  };
}
