// Signing keys that a home kept by itself, in the time before they were in the database.
import type { Reader, Transaction } from "../../kernel/database.ts";
import { systemRecord } from "../../kernel/system-record.ts";
import { thumbprintOf } from "../jwk.ts";
import type { FormerSigningKey } from "../ports.ts";
import type { RecordedChanges } from "./records.ts";
import { signerOf } from "./states.ts";
import {
  findSigningKey,
  insertSigningKey,
  lastSigningKeyNumber,
  lockSigningKeys,
  type SigningKeyRow,
  scheduleSigningKey,
} from "./store.ts";
import { announceChange, keysOf, type SuccessionDeps } from "./succession.ts";

async function store(
  { home, times }: SuccessionDeps,
  tx: Transaction,
  { key, createdAt, signs }: FormerSigningKey,
  now: Date,
): Promise<SigningKeyRow | undefined> {
  const { algorithm } = key;
  const kid = thumbprintOf(key.jwk);
  await lockSigningKeys(tx);
  if (await known(tx, kid)) return undefined;
  const taken = signerOf(await keysOf(tx, algorithm), { algorithm, home: home.name, now }) !== undefined;
  const number = (await lastSigningKeyNumber(tx, algorithm)) + 1;
  const row = { kid, number, home: home.name, made: key, createdAt, activatesAt: createdAt };
  const stored = await insertSigningKey(tx, row);
  // Another replica's file held another key: both verify, one signs.
  if (!signs || taken) {
    const verifiesUntil = new Date(now.getTime() + times.tokenLifeMs);
    await scheduleSigningKey(tx, { ...stored, deactivatesAt: now, verifiesUntil });
  }
  announceChange(tx, algorithm, now);
  return stored;
}

async function known(reader: Reader, kid: string): Promise<boolean> {
  return (await findSigningKey(reader, kid)) !== undefined;
}

/** Once, however often it is tried: a key that is in the database already is left as it is there. */
export async function takeOver(
  deps: SuccessionDeps,
  changes: RecordedChanges,
  former: readonly FormerSigningKey[],
  now: Date,
): Promise<void> {
  for (const one of former) {
    if (await known(deps.reader, thumbprintOf(one.key.jwk))) continue;
    await changes.commit(systemRecord({ event: "key.signing_taken_over", now }), (tx) => store(deps, tx, one, now));
  }
}
