// A stolen key: what it signed is dead with the commit, and another key signs at once.
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import type { Compromise, KeyReplacement, PreparedKeyChange, SigningKeyHome } from "../ports.ts";
import { signerOf, stateOf, successorOf } from "./states.ts";
import {
  compromiseSigningKey,
  findSigningKey,
  lockSigningKeys,
  type SigningKeyRow,
  scheduleSigningKey,
} from "./store.ts";
import {
  announceChange,
  announcedForMs,
  keysOf,
  type MadeKey,
  makeKeyIfPossible,
  type SuccessionDeps,
  succeed,
} from "./succession.ts";

/** A successor that never signed gives back what it took: the key before it signs on. */
async function signOn(tx: Transaction, gone: SigningKeyRow): Promise<void> {
  for (const key of await keysOf(tx, gone.algorithm)) {
    const stopsForIt = key.deactivatesAt?.getTime() === gone.activatesAt.getTime() && key.compromisedAt === undefined;
    if (stopsForIt) await scheduleSigningKey(tx, { ...key, deactivatesAt: undefined, verifiesUntil: undefined });
  }
}

/** The key that signs already, or that was published to sign next; of those of `home`. */
function standIn(
  keys: readonly SigningKeyRow[],
  algorithm: SignatureAlgorithm,
  home: SigningKeyHome["name"],
  now: Date,
) {
  const ours = keys.filter((key) => key.home === home);
  return { signer: signerOf(ours, { algorithm, home, now }), successor: successorOf(ours, now) };
}

async function replace(
  deps: SuccessionDeps,
  tx: Transaction,
  gone: SigningKeyRow,
  made: MadeKey | undefined,
  now: Date,
): Promise<KeyReplacement> {
  const { algorithm } = gone;
  if (stateOf(gone, now) === "pre_activation") await signOn(tx, gone);
  const { signer, successor } = standIn(await keysOf(tx, algorithm), algorithm, deps.home.name, now);
  if (signer !== undefined) return { successor: signer, made: false };
  if (successor !== undefined) {
    // It is in the copies of the JWKS already, as far as time allowed.
    await scheduleSigningKey(tx, { ...successor, activatesAt: now });
    return { successor: { ...successor, activatesAt: now }, made: false };
  }
  const stored = made && (await succeed(deps, tx, made, { algorithm, occasion: "first", now }));
  return { successor: stored, made: stored !== undefined };
}

async function compromise(
  deps: SuccessionDeps,
  tx: Transaction,
  kid: string,
  made: MadeKey | undefined,
  now: Date,
): Promise<Compromise> {
  await lockSigningKeys(tx);
  const before = await findSigningKey(tx, kid);
  if (before === undefined) throw new GatehouseError("SIGNING_KEY_NOT_FOUND");
  const { algorithm } = before;
  const marked = await compromiseSigningKey(tx, kid, now);
  if (marked === undefined && before.compromisedAt === undefined) throw new GatehouseError("SIGNING_KEY_DESTROYED");
  // Also when it was known before: whoever came first may have had no key to put in its place.
  const replacement = await replace(deps, tx, before, made, now);
  announceChange(tx, algorithm, now);
  if (marked === undefined) return { key: before, news: false, ...replacement };
  const expiresAt = new Date(now.getTime() + announcedForMs + deps.times.tokenLifeMs);
  tx.announce({ kind: "compromised_key", key: kid, expiresAt });
  return { key: marked, news: true, ...replacement };
}

/** Errors: SIGNING_KEY_NOT_FOUND, DATABASE_UNAVAILABLE; of `store` SIGNING_KEY_DESTROYED. */
export async function prepareCompromise(
  deps: SuccessionDeps,
  kid: string,
  now: Date,
): Promise<PreparedKeyChange<Compromise>> {
  const key = await findSigningKey(deps.reader, kid);
  if (key === undefined) throw new GatehouseError("SIGNING_KEY_NOT_FOUND");
  const others = (await keysOf(deps.reader, key.algorithm)).filter((other) => other.kid !== kid);
  const { signer, successor } = standIn(others, key.algorithm, deps.home.name, now);
  const needed = signer === undefined && successor === undefined;
  // Whoever has a stolen key must be stopped, with or without a new one.
  const made = needed ? await makeKeyIfPossible(deps, key.algorithm) : undefined;
  return { store: (tx) => compromise(deps, tx, kid, made, now) };
}
