// What the server does about signing keys by itself: the first ones, the next ones when it is time, and the end of old ones.
// Every replica does it; the database lets one of them win.
import type { AuditDraft } from "../../kernel/audit.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import { systemRecord } from "../../kernel/system-record.ts";
import { homeAnswer } from "../failures.ts";
import type { RecordedChanges } from "./records.ts";
import type { SigningRing } from "./ring.ts";
import { mayDestroy, rotationDue, signerOf } from "./states.ts";
import { destroySigningKey, lockSigningKeys, type SigningKeyRow } from "./store.ts";
import { prepareSuccession, type SuccessionDeps, type SuccessionOrder } from "./succession.ts";

export interface KeyCareDeps extends SuccessionDeps {
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly ring: SigningRing;
  readonly changes: RecordedChanges;
}

export interface KeyCare {
  /** Unless there is one that signs. Errors: KEYS_UNAVAILABLE, DATABASE_UNAVAILABLE. */
  makeFirst(algorithm: SignatureAlgorithm, now: Date): Promise<void>;
  /** Rotates what is due, makes what is missing, destroys what nothing rests on. Idempotent. */
  tend(now: Date): Promise<void>;
}

export function createKeyCare(deps: KeyCareDeps): KeyCare {
  const { home, algorithms, times, logger, ring, changes } = deps;

  async function carryOut(draft: AuditDraft, order: SuccessionOrder): Promise<void> {
    const change = await prepareSuccession(deps, order);
    await changes.commit(draft, async (tx) => {
      const { successor, made } = await change.store(tx);
      return made ? successor : undefined;
    });
    await ring.reload();
  }

  async function makeFirst(algorithm: SignatureAlgorithm, now: Date): Promise<void> {
    await carryOut(systemRecord({ event: "key.signing_created", now }), { algorithm, occasion: "first", now });
  }

  async function turnOver(algorithm: SignatureAlgorithm, now: Date): Promise<void> {
    const signer = signerOf(ring.rows(), { algorithm, home: home.name, now });
    if (signer === undefined) await makeFirst(algorithm, now);
    else if (rotationDue(signer, now, times))
      await carryOut(systemRecord({ event: "key.signing_rotated", now }), { algorithm, occasion: "next", now });
  }

  async function destroy(row: SigningKeyRow, now: Date): Promise<void> {
    const { kid, algorithm, jwk, handle } = row;
    const ours = row.home === home.name;
    // A key in a remote home that is not ours any more cannot be destroyed from here; wrapped ones go with their row.
    if (handle === undefined || (!ours && row.home !== "local")) return;
    // The home first: a crash in between leaves a row that is destroyed again, not a key that nobody knows of.
    if (ours) await homeAnswer(home.destroy({ algorithm, jwk, handle }));
    await changes.commit(systemRecord({ event: "key.signing_destroyed", now }), async (tx) => {
      await lockSigningKeys(tx);
      return (await destroySigningKey(tx, kid, now)) ? row : undefined;
    });
  }

  /** Those of the settings, and those that clients have asked for. */
  function inUse(): ReadonlySet<SignatureAlgorithm> {
    const open = ring.rows().filter((row) => row.deactivatesAt === undefined && row.home === home.name);
    return new Set([...algorithms, ...open.map((row) => row.algorithm)]);
  }

  /** One that fails must not keep the others from their turn. */
  async function each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    for (const item of items) {
      await work(item).catch((err: unknown) => logger.warn({ err }, "a signing key is due and will be tried again"));
    }
  }

  return {
    makeFirst,
    async tend(now) {
      await ring.reload();
      await each(inUse(), (algorithm) => turnOver(algorithm, now));
      const old = ring.rows().filter((row) => mayDestroy(row, now, times.tokenLifeMs));
      await each(old, (row) => destroy(row, now));
    },
  };
}
