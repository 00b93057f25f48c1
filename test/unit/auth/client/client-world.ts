// A scripted database with one client in it, one service account that it may act as, and a caller that stands.
import type { StoredClient } from "../../../../src/auth/client/store.ts";
import type { StoredSecret } from "../../../../src/auth/client-secret/store.ts";
import type { ClientBounds } from "../../../../src/auth/domain/client-rules.ts";
import type { Row } from "../../../../src/kernel/database.ts";
import { callTime, fakeCall } from "../../../fakes/call.ts";
import { aClient, clientRow, secretRow } from "../../../fakes/clients.ts";
import { alice, allow, bob, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeMacs } from "../../../fakes/sealing.ts";

export interface ClientSetup {
  readonly client?: StoredClient | undefined;
  readonly secrets?: readonly StoredSecret[];
  /** What the service account holds on everything; undefined = there is no such account. */
  readonly accountHolds?: readonly string[];
  /** What the caller holds on everything. */
  readonly held?: readonly string[];
  readonly count?: number;
  readonly onInsert?: () => never;
}

export const bounds: ClientBounds = {
  accessTokenLifetimeMs: 1_800_000,
  refreshTokenLifetimeMs: 604_800_000,
  ownAudience: "gatehouse",
  hmacAudience: undefined,
};

export const account = bob;
export const till: StoredClient = { ...aClient, id: "till", confidential: true };
export const secretId = "0198f000-0000-7000-8000-0000000000c1";

export function aSecret(more: Partial<StoredSecret> = {}): StoredSecret {
  const hash = fakeMacs.mac("token-hash", ["client_secret", "till", "ghs_first"]);
  return {
    id: secretId,
    hint: "ghs_firs",
    hash,
    createdAt: callTime,
    expiresAt: undefined,
    lastUsedAt: undefined,
    ...more,
  };
}

const standing = (kind: string, permissions: readonly string[]): Row => ({
  kind,
  state: "active",
  generation: 1,
  role: "r",
  permissions,
  resource: "",
  effect: "allow",
  expires_at: null,
});

export function clientWorld(setup: ClientSetup = {}) {
  const { client, secrets = [], accountHolds, held = ["*"], count = 1, onInsert } = setup;
  const found = (id: unknown) => (client !== undefined && client.id === id ? [clientRow(client)] : []);
  const written: Record<string, readonly unknown[]> = {};
  const write = (name: string) => ({
    [name]: (parameters: readonly unknown[]) => {
      written[name] = parameters;
      return [];
    },
  });
  const accountRow = { principal_id: account, display_name: "till", state: "active" };
  const database = scriptedDatabase({
    ...write("auth.update_client"),
    ...write("auth.delete_client"),
    ...write("auth.delete_client_secrets"),
    ...write("auth.insert_client_secret"),
    ...write("auth.end_client_secrets"),
    ...write("auth.end_tokens_of_client"),
    "auth.insert_client": (parameters) => {
      onInsert?.();
      written["auth.insert_client"] = parameters;
      return [];
    },
    "auth.client": ([id]) => found(id),
    "auth.lock_client": ([id]) => found(id),
    "auth.clients": ([after, limit]) =>
      client !== undefined && client.id > String(after) ? [clientRow(client)].slice(0, Number(limit)) : [],
    "auth.count_clients": () => [{ count }],
    "auth.secrets_of_client": ([id]) => secrets.map((secret) => secretRow(String(id), secret)),
    "auth.delete_client_secret": ([, id]) => secrets.filter((secret) => secret.id === id).map(() => ({ id })),
    "auth.lock_service_account": ([id]) => (accountHolds !== undefined && id === account ? [accountRow] : []),
    "auth.standing": ([id]) => {
      if (id === alice) return [standing("person", held)];
      return accountHolds === undefined ? [] : [standing("service_account", accountHolds)];
    },
  });
  const principal = principalOf({ grants: [allow("*", "")] });
  const call = fakeCall({ principal, unitOfWork: database.unitOfWork });
  return { database, call, written };
}

export const settled = <T>(work: Promise<T>): Promise<T> => work.catch((error: unknown) => error as T);
