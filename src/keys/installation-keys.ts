// The installation's own data keys, one ring of versions per purpose, wrapped by the home, stored in Postgres and held
// in memory for the life of the process, so that no login or look-up waits for the home (docs/decisions/0020-data-keys.md).
import { createHmacKey, eraseHmacKey, type HmacKey } from "../kernel/hmac.ts";
import type { MacPurpose, SealPurpose } from "../kernel/sealing.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import { purposeKeyContext } from "./bindings.ts";
import { createAeadKey } from "./committing-aead.ts";
import type { DataKeyReader, DataKeyRow, DataKeyWriter, KeyWrapper } from "./ports.ts";

export type Purpose = SealPurpose | MacPurpose;

// `satisfies` over a record makes the compiler name a purpose that is missing here.
const everyPurpose: Readonly<Record<SealPurpose, "seal"> & Record<MacPurpose, "mac">> = {
  pepper: "seal",
  "audit-details": "seal",
  "request-record": "seal",
  "page-token": "seal",
  "token-hash": "mac",
  "refresh-token": "mac",
  "blind-index": "mac",
  "request-fingerprint": "mac",
  "limit-key": "mac",
};

export const purposes: readonly string[] = Object.keys(everyPurpose);

export interface KeyRing {
  /** The version that protects new data. */
  current(purpose: Purpose): number;
  /** Undefined when there is no such version, or no longer. */
  sealKey(purpose: SealPurpose, version: number): HmacKey | undefined;
  macKey(purpose: MacPurpose, version: number): HmacKey | undefined;
  /** Every version that can still be in use, the newest first. */
  versions(purpose: Purpose): readonly number[];
}

export interface InstallationKeys extends KeyRing {
  /**
   * Stores the keys that were missing at the start. Until it resolves, nothing may be protected under the ring but the
   * audit record of this very step: when another replica was first, its keys replace ours.
   */
  settle(writer: DataKeyWriter): Promise<void>;
  erase(): void;
}

export interface InstallationKeysDeps {
  readonly installationId: string;
  readonly wrapper: KeyWrapper;
  readonly reader: DataKeyReader;
  readonly rows: readonly DataKeyRow[];
}

interface Held {
  readonly current: number;
  /** Ready for what the purpose does with them. */
  readonly keys: ReadonlyMap<number, HmacKey>;
}

type Rings = Map<string, Held>;

const settleAttempts = 5;

/** Takes the key over: its bytes are erased. */
function addTo(rings: Rings, row: DataKeyRow, key: Buffer): void {
  const held = rings.get(row.purpose);
  const ready = everyPurpose[row.purpose as Purpose] === "seal" ? createAeadKey(key) : createHmacKey("sha256", key);
  key.fill(0);
  const keys = new Map(held?.keys).set(row.version, ready);
  const current = row.state === "active" ? Math.max(row.version, held?.current ?? 0) : (held?.current ?? 0);
  rings.set(row.purpose, { current, keys });
}

function nextVersion(rows: readonly DataKeyRow[], purpose: string): number {
  return Math.max(0, ...rows.filter((row) => row.purpose === purpose).map((row) => row.version)) + 1;
}

async function unwrapRows(deps: InstallationKeysDeps, rows: readonly DataKeyRow[]): Promise<Rings> {
  const usable = rows.filter((row) => row.state !== "destroyed" && purposes.includes(row.purpose));
  const context = (row: DataKeyRow) => purposeKeyContext(deps.installationId, row.purpose, row.version);
  const keys = await deps.wrapper.unwrap(usable.map((row) => ({ wrapped: row.wrapped, context: context(row) })));
  const rings: Rings = new Map();
  usable.forEach((row, at) => {
    const key = keys[at];
    if (key === undefined) {
      throw new StartRefused(
        `the database's ${row.purpose} key does not open with the keys of this home: restore the keys that belong to this database`,
      );
    }
    addTo(rings, row, key);
  });
  return rings;
}

async function addMissing(
  deps: InstallationKeysDeps,
  rows: readonly DataKeyRow[],
  rings: Rings,
): Promise<DataKeyRow[]> {
  const missing = purposes.filter((purpose) => (rings.get(purpose)?.current ?? 0) === 0);
  const wanted = missing.map((purpose) => ({ purpose, version: nextVersion(rows, purpose) }));
  if (wanted.length === 0) return [];
  const contexts = wanted.map(({ purpose, version }) => purposeKeyContext(deps.installationId, purpose, version));
  const made = await deps.wrapper.generateDataKeys(contexts);
  return wanted.flatMap((name, at) => {
    const key = made[at];
    if (key === undefined) throw new Error("the key home made too few data keys");
    const row: DataKeyRow = { ...name, wrapped: key.wrapped, state: "active" };
    addTo(rings, row, key.plaintext);
    return [row];
  });
}

function eraseRings(rings: Rings): void {
  for (const held of rings.values()) for (const key of held.keys.values()) eraseHmacKey(key);
  rings.clear();
}

export async function createInstallationKeys(deps: InstallationKeysDeps): Promise<InstallationKeys> {
  let rings = await unwrapRows(deps, deps.rows);
  let unsettled = await addMissing(deps, deps.rows, rings);

  function held(purpose: Purpose): Held {
    const found = rings.get(purpose);
    if (found === undefined) throw new Error("the key ring is closed");
    return found;
  }

  async function takeOver(): Promise<void> {
    const rows = await deps.reader.load();
    const fresh = await unwrapRows(deps, rows);
    const missing = await addMissing(deps, rows, fresh);
    eraseRings(rings);
    rings = fresh;
    unsettled = missing;
  }

  return {
    current: (purpose) => held(purpose).current,
    sealKey: (purpose, version) => held(purpose).keys.get(version),
    macKey: (purpose, version) => held(purpose).keys.get(version),
    versions: (purpose) => [...held(purpose).keys.keys()].sort((a, b) => b - a),
    async settle(writer) {
      for (let attempt = 0; unsettled.length > 0 && attempt < settleAttempts; attempt += 1) {
        if (await writer.insertIfAbsent(unsettled)) unsettled = [];
        else await takeOver();
      }
      if (unsettled.length > 0)
        throw new StartRefused("the data keys could not be agreed upon with the other replicas: start again");
    },
    erase: () => eraseRings(rings),
  };
}
