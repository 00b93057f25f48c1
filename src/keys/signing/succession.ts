// One key after another. Whatever the home has to do comes first and may be repeated; then one short transaction under a lock
// looks again and decides, so that replicas that race make one key.
import type { Reader, Transaction } from "../../kernel/database.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import { homeAnswer } from "../failures.ts";
import { thumbprintOf } from "../jwk.ts";
import {
  type HomeSigningKey,
  KeyHomeUnavailable,
  type KeyReplacement,
  type PreparedKeyChange,
  type SigningKeyHome,
} from "../ports.ts";
import { type SigningKeyTimes, signerOf, successorOf } from "./states.ts";
import {
  insertSigningKey,
  lastSigningKeyNumber,
  loadSigningKeys,
  lockSigningKeys,
  type SigningKeyRow,
  scheduleSigningKey,
} from "./store.ts";

export interface SuccessionDeps {
  readonly home: SigningKeyHome;
  readonly reader: Reader;
  readonly times: SigningKeyTimes;
  readonly logger: Logger;
  /** How long a change that cannot wait for a key waits for one; default a second. */
  readonly patienceMs?: number | undefined;
}

export interface SuccessionOrder {
  readonly algorithm: SignatureAlgorithm;
  /** `next`: to sign after the lead. `first`: only when nothing signs, and at once. */
  readonly occasion: "next" | "first";
  readonly now: Date;
}

/** A key that the home has, and the database not yet. */
export interface MadeKey {
  readonly key: HomeSigningKey;
  readonly number: number;
}

/** How long the feed tells of a change; who was cut off for longer reads everything again on its own. */
export const announcedForMs = 3_600_000;

export function announceChange(tx: Transaction, algorithm: SignatureAlgorithm, now: Date): void {
  tx.announce({ kind: "signing_key", key: algorithm, expiresAt: new Date(now.getTime() + announcedForMs) });
}

/** Errors: KEYS_UNAVAILABLE, DATABASE_UNAVAILABLE. */
async function makeKey({ home, reader }: SuccessionDeps, algorithm: SignatureAlgorithm): Promise<MadeKey> {
  const number = (await lastSigningKeyNumber(reader, algorithm)) + 1;
  return { key: await homeAnswer(home.generate(algorithm, number)), number };
}

/** A key that comes later is made again under the same number when somebody needs one. */
const usualPatienceMs = 1_000;

async function soon<T>(answer: Promise<T>, patienceMs = usualPatienceMs): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new KeyHomeUnavailable("no answer in time")), patienceMs);
  return await Promise.race([answer, promise]).finally(() => clearTimeout(timer));
}

/** For when the change can neither fail nor wait for want of a key, whatever keeps the home. Errors: DATABASE_UNAVAILABLE. */
export async function makeKeyIfPossible(
  { home, reader, logger, patienceMs }: SuccessionDeps,
  algorithm: SignatureAlgorithm,
): Promise<MadeKey | undefined> {
  const number = (await lastSigningKeyNumber(reader, algorithm)) + 1;
  try {
    return { key: await soon(home.generate(algorithm, number), patienceMs), number };
  } catch (err) {
    logger.warn({ err }, "the key home makes no new signing key: nothing signs until it does");
    return undefined;
  }
}

export async function keysOf(reader: Reader, algorithm: SignatureAlgorithm): Promise<readonly SigningKeyRow[]> {
  return (await loadSigningKeys(reader)).filter((key) => key.algorithm === algorithm);
}

/** The key takes over from `instant` on; those before it stop then, and verify until their last token has expired. */
async function install(deps: SuccessionDeps, tx: Transaction, made: MadeKey, instant: Date, now: Date) {
  const { key, number } = made;
  const verifiesUntil = new Date(instant.getTime() + deps.times.tokenLifeMs);
  for (const former of await keysOf(tx, key.algorithm)) {
    if (former.deactivatesAt !== undefined && former.deactivatesAt <= instant) continue;
    await scheduleSigningKey(tx, { ...former, deactivatesAt: instant, verifiesUntil });
  }
  const stored = await insertSigningKey(tx, {
    kid: thumbprintOf(key.jwk),
    number,
    home: deps.home.name,
    made: key,
    createdAt: now,
    activatesAt: instant,
  });
  announceChange(tx, key.algorithm, now);
  return stored;
}

/** Under the lock. Undefined when `made` comes too late: another replica's key has its number. */
export async function succeed(
  deps: SuccessionDeps,
  tx: Transaction,
  made: MadeKey,
  { algorithm, occasion, now }: SuccessionOrder,
): Promise<SigningKeyRow | undefined> {
  if ((await lastSigningKeyNumber(tx, algorithm)) >= made.number) return undefined;
  const asked = { algorithm, home: deps.home.name, now };
  const signs = signerOf(await keysOf(tx, algorithm), asked) !== undefined;
  const leadMs = occasion === "next" && signs ? deps.times.leadMs : 0;
  return await install(deps, tx, made, new Date(now.getTime() + leadMs), now);
}

/** What makes another key needless. */
async function present({ home }: SuccessionDeps, from: Reader, { algorithm, occasion, now }: SuccessionOrder) {
  const keys = (await keysOf(from, algorithm)).filter((key) => key.home === home.name);
  return occasion === "next" ? successorOf(keys, now) : signerOf(keys, { algorithm, home: home.name, now });
}

async function newest(from: Reader, algorithm: SignatureAlgorithm): Promise<SigningKeyRow | undefined> {
  const [first] = (await keysOf(from, algorithm)).toSorted((a, b) => b.number - a.number);
  return first;
}

/** Errors: KEYS_UNAVAILABLE, DATABASE_UNAVAILABLE. */
export async function prepareSuccession(
  deps: SuccessionDeps,
  order: SuccessionOrder,
): Promise<PreparedKeyChange<KeyReplacement>> {
  const there = await present(deps, deps.reader, order);
  const made = there === undefined ? await makeKey(deps, order.algorithm) : undefined;
  return {
    async store(tx) {
      await lockSigningKeys(tx);
      const found = await present(deps, tx, order);
      if (found !== undefined) return { successor: found, made: false };
      const stored = made && (await succeed(deps, tx, made, order));
      if (stored !== undefined) return { successor: stored, made: true };
      return { successor: await newest(tx, order.algorithm), made: false };
    },
  };
}
