// What the changes of service accounts have in common: who may be named, what must be held, and what replicas must hear.
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import { type Call, callerOf } from "../../kernel/handler.ts";
import { formatId, parseId } from "../../kernel/ids.ts";
import { anyPermission, inScope } from "../../kernel/principal.ts";
import { reachOf } from "../domain/acting-as.ts";
import { holdsThroughout } from "../domain/granting.ts";
import { lockAccessChanges } from "../grant/store.ts";
import { readStanding } from "../standing/store.ts";
import { lockServiceAccount, type ServiceAccountRow } from "./store.ts";

/** The bare UUID. Whether the caller may was decided before, by the method's policy. */
export function namedAccount(principalId: string, call: Call): string {
  const id = parseId("principal", principalId);
  if (id === undefined) throw invalidField("principal_id", "must be the id of a service account");
  call.audit.resources.push({ type: "principal", uid: formatId("principal", id) });
  return id;
}

/** First in every change, so that each sees what those before it did, grants included. Throws SERVICE_ACCOUNT_NOT_FOUND. */
export async function lockAccount(tx: Transaction, principalId: string): Promise<ServiceAccountRow> {
  await lockAccessChanges(tx);
  const account = await lockServiceAccount(tx, principalId);
  if (account === undefined) throw new GatehouseError("SERVICE_ACCOUNT_NOT_FOUND");
  return account;
}

/** No scopes in a request are no narrowing. */
export function storedScopes(scopes: readonly string[]): readonly string[] {
  return scopes.length === 0 || scopes.includes(anyPermission) ? [anyPermission] : scopes.toSorted();
}

/** Whoever makes a credential of its own has all that the account has; only its token may be narrower. */
function isOwnWithin(call: Call, scopes: readonly string[]): boolean {
  return scopes.every((scope) => inScope(callerOf(call).scopes, scope));
}

async function holdsAllOf(tx: Transaction, call: Call, principalId: string, scopes: readonly string[]) {
  const now = call.now.getTime();
  const [account, caller] = [
    await readStanding(tx, principalId, call.now),
    await readStanding(tx, callerOf(call).id, call.now),
  ];
  if (caller?.active !== true) return false;
  if (account === undefined) return false;
  return reachOf(account.grants, scopes, now).every(({ permissions, resource }) => {
    const inToken = [...permissions].every((permission) => call.holds(permission, resource));
    return inToken && holdsThroughout(caller.grants, permissions, resource, now);
  });
}

/**
 * Whoever has a credential in hand is the account. So who makes one must hold, as of this transaction, what it may do; the
 * scopes of the caller's token narrow this like anything else. Throws CREDENTIAL_EXCEEDS_OWN.
 */
export async function requireHeldOf(
  tx: Transaction,
  call: Call,
  principalId: string,
  scopes: readonly string[],
): Promise<void> {
  const own = principalId === callerOf(call).id;
  const held = own ? isOwnWithin(call, scopes) : await holdsAllOf(tx, call, principalId, scopes);
  if (!held) throw new GatehouseError("CREDENTIAL_EXCEEDS_OWN");
}

/** As long as the longest-lived access token that may have been issued for a credential, on the slowest clock. */
const longestTokenMs = 86_400_000 + 60_000;
/** Longer than any replica trusts its memory without the feed. */
const bindingChangeLivesMs = 3_600_000;

/** What was issued for the credential dies with it. */
export function announceEnd(tx: Transaction, credentialId: string, now: Date): void {
  tx.announce({ kind: "credential", key: credentialId, expiresAt: new Date(now.getTime() + longestTokenMs) });
}

/** As `announceEnd`, from an instant on that lies ahead. What was issued before knows nothing of it, and may be out beyond it. */
export function announceEndAt(tx: Transaction, credentialId: string, end: Date, now: Date): void {
  const expiresAt = new Date(now.getTime() + longestTokenMs);
  const key = `${credentialId}:${end.getTime()}`;
  if (end <= now) announceEnd(tx, credentialId, now);
  // Beyond that, everything that was issued until now has expired by itself.
  else if (end < expiresAt) tx.announce({ kind: "credential_end", key, expiresAt });
}

/** Who is bound to what is asked anew. */
export function announceBinding(tx: Transaction, bindingId: string, now: Date): void {
  tx.announce({ kind: "workload", key: bindingId, expiresAt: new Date(now.getTime() + bindingChangeLivesMs) });
}
