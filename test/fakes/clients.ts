// Clients for tests, and a port that knows them.
import type { StoredClient } from "../../src/auth/client/store.ts";
import type { StoredSecret } from "../../src/auth/client-secret/store.ts";
import { GatehouseError } from "../../src/kernel/errors.ts";
import type { Client, Clients } from "../../src/kernel/ports.ts";

/** A public client that logs people in. */
export const aClient: StoredClient = {
  id: "shop",
  generation: 1,
  confidential: false,
  displayName: "The shop",
  disabled: false,
  logins: true,
  exchange: false,
  principalId: undefined,
  audiences: ["shop"],
  scopes: ["orders.read", "orders.write"],
  accessTokenLifetimeMs: undefined,
  refreshTokenLifetimeMs: undefined,
  algorithm: undefined,
  refreshRotation: "rotate",
  senderConstraint: "none",
  encryptionKey: undefined,
  displayNameClaim: false,
  createdAt: new Date("2026-11-20T08:00:00.000Z"),
  updatedAt: new Date("2026-11-20T08:00:00.000Z"),
};

/** Its columns, as the database answers them. */
export function clientRow(client: StoredClient): Readonly<Record<string, unknown>> {
  return {
    id: client.id,
    generation: client.generation,
    state: client.disabled ? "disabled" : "active",
    confidential: client.confidential,
    display_name: client.displayName,
    logins: client.logins,
    exchange: client.exchange,
    principal_id: client.principalId ?? null,
    audiences: client.audiences,
    scopes: client.scopes,
    access_token_lifetime_ms: client.accessTokenLifetimeMs ?? null,
    refresh_token_lifetime_ms: client.refreshTokenLifetimeMs ?? null,
    algorithm: client.algorithm ?? null,
    refresh_rotation: client.refreshRotation,
    sender_constraint: client.senderConstraint,
    encryption_key: client.encryptionKey ?? null,
    display_name_claim: client.displayNameClaim,
    created_at: client.createdAt,
    updated_at: client.updatedAt,
  };
}

export function secretRow(clientId: string, secret: StoredSecret): Readonly<Record<string, unknown>> {
  return {
    secret_id: secret.id,
    client_id: clientId,
    secret_hash: secret.hash.value,
    hash_version: secret.hash.version,
    hint: secret.hint,
    secret_created_at: secret.createdAt,
    expires_at: secret.expiresAt ?? null,
    last_used_at: secret.lastUsedAt ?? null,
  };
}

/** Knows these, each by the secret `<id>-secret` when it is confidential. */
export function fakeClients(...known: readonly Client[]): Clients & { set(client: Client): void } {
  const byId = new Map(known.map((client) => [client.id, client]));
  return {
    set: (client) => void byId.set(client.id, client),
    find: (id) => byId.get(id),
    async authenticate(id, secret) {
      const client = byId.get(id);
      const wanted = client?.confidential === true ? `${id}-secret` : "";
      if (client === undefined || client.disabled || secret !== wanted) throw new GatehouseError("CLIENT_INVALID");
      return client;
    },
  };
}
