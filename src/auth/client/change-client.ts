// What making and changing a client have in common.
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Call } from "../../kernel/handler.ts";
import { standingChangeLivesMs } from "../domain/access-rules.ts";
import { type ClientBounds, type ClientContent, clientFaults } from "../domain/client-rules.ts";
import { lockAccount, requireHeldOf } from "../service-account/account-change.ts";
import { lockClient, type StoredClient } from "./store.ts";

/** Throws REQUEST_INVALID with every fault. */
export function requireSensible(content: ClientContent, confidential: boolean, bounds: ClientBounds): void {
  const violations = clientFaults(content, confidential, bounds);
  if (violations.length > 0) throw new GatehouseError("REQUEST_INVALID", { violations });
}

/** The client, which nobody else changes until the transaction ends. Throws CLIENT_NOT_FOUND. */
export async function requireClient(tx: Transaction, id: string): Promise<StoredClient> {
  const client = await lockClient(tx, id);
  if (client === undefined) throw new GatehouseError("CLIENT_NOT_FOUND");
  return client;
}

/**
 * Whoever can make a client act as an account, or make a secret of one that does, can act as the account: so they must hold
 * what it holds, within the client's scopes. Throws SERVICE_ACCOUNT_NOT_FOUND, CREDENTIAL_EXCEEDS_OWN.
 */
export async function requireMayActAs(tx: Transaction, content: ClientContent, call: Call): Promise<void> {
  const { principalId, scopes } = content;
  if (principalId === undefined) return;
  await lockAccount(tx, principalId);
  await requireHeldOf(tx, call, principalId, scopes);
}

/** All replicas forget the client as it was, and whatever was handed out through it under an older generation is dead. */
export function announceClient(
  tx: Transaction,
  client: { readonly id: string; readonly generation: number },
  bounds: ClientBounds,
  now: Date,
): void {
  const livesMs = Math.max(standingChangeLivesMs, bounds.accessTokenLifetimeMs + clockSkewMs);
  const expiresAt = new Date(now.getTime() + livesMs);
  tx.announce({ kind: "client", key: `${client.id}:${client.generation}`, expiresAt });
}

/** More than clocks of replicas differ by, so that the last token of an older generation has expired. */
const clockSkewMs = 60_000;

/** The settings as the record keeps them; none of them is secret or personal. */
export function recordedSettings(content: ClientContent) {
  return {
    disabled: content.disabled,
    logins: content.logins,
    exchange: content.exchange,
    service_account: content.principalId ?? null,
    audiences: [...content.audiences],
    scopes: [...content.scopes],
    access_token_lifetime_ms: content.accessTokenLifetimeMs ?? null,
    refresh_token_lifetime_ms: content.refreshTokenLifetimeMs ?? null,
    algorithm: content.algorithm ?? null,
    refresh_rotation: content.refreshRotation,
    sender_constraint: content.senderConstraint,
    encryption_key_id: content.encryptionKey?.kid ?? null,
    display_name_claim: content.displayNameClaim,
  };
}
