// Signing keys as the house uses them: a ring in memory over the rows in Postgres, whichever home holds the private halves,
// and the work that keeps them young.
import type { Clock } from "../../kernel/clock.ts";
import type { FeedEvent, Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Metrics } from "../../kernel/metrics.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import { StartRefused } from "../../kernel/start-refused.ts";
import type { Sweep } from "../../kernel/sweep.ts";
import type { UnitOfWork } from "../../kernel/unit-of-work.ts";
import type { FormerSigningKey, SigningKeyHome, SigningKeys } from "../ports.ts";
import { createKeyCare } from "./care.ts";
import { prepareCompromise } from "./compromise.ts";
import { measureSigningKeys } from "./meters.ts";
import { createRecordedChanges } from "./records.ts";
import { createSigningRing } from "./ring.ts";
import { type SigningKeyTimes, stateOf } from "./states.ts";
import { listSigningKeys } from "./store.ts";
import { prepareSuccession } from "./succession.ts";
import { takeOver } from "./take-over.ts";

export interface SigningKeysDeps {
  readonly home: SigningKeyHome;
  /** The first is the default. */
  readonly algorithms: readonly [SignatureAlgorithm, ...SignatureAlgorithm[]];
  readonly times: SigningKeyTimes;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the compromise of a key waits for the next one; default a second. */
  readonly patienceMs?: number | undefined;
}

export interface OpenedSigningKeys {
  readonly signingKeys: SigningKeys;
  /**
   * Takes over `former` keys and makes those that are missing, each with its record. To be awaited before the first call
   * is served. Throws what the home and the unit of work throw.
   */
  settle(unitOfWork: UnitOfWork, former: readonly FormerSigningKey[]): Promise<void>;
  /** Idempotent. */
  onFeed(events: readonly FeedEvent[]): void;
  readonly sweeps: readonly Sweep[];
  measure(metrics: Metrics): void;
}

const careEveryMs = 30_000;
const lookAgainAfterMs = 1_000;

/** One look for all who ask, and the next one not before its time. */
function createLookAgain(clock: Clock, reload: () => Promise<void>): () => Promise<void> {
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  return async () => {
    const now = clock.now().getTime();
    if (looking === undefined && Math.abs(now - lookedAt) < lookAgainAfterMs) return;
    if (looking === undefined) {
      lookedAt = now;
      looking = reload().finally(() => {
        looking = undefined;
      });
    }
    await looking;
  };
}

function refuseStart(error: unknown): never {
  if (!(error instanceof GatehouseError && error.reason === "KEYS_UNAVAILABLE")) throw error;
  throw new StartRefused("the key home makes no signing key, and without one no token can be signed", { cause: error });
}

export function openSigningKeys(deps: SigningKeysDeps): OpenedSigningKeys {
  const { reader, clock, algorithms } = deps;
  const ring = createSigningRing(deps);
  const changes = createRecordedChanges();
  const care = createKeyCare({ ...deps, ring, changes });
  const [usual] = algorithms;
  const lookAgain = createLookAgain(clock, ring.reload);

  async function ready(algorithm: SignatureAlgorithm = usual): Promise<void> {
    if (ring.signer(algorithm) !== undefined) return;
    await ring.settled();
    if (ring.signer(algorithm) === undefined) await care.makeFirst(algorithm, clock.now());
  }

  const signingKeys: SigningKeys = {
    current(algorithm = usual) {
      const key = ring.signer(algorithm);
      if (key === undefined) throw new GatehouseError("KEYS_UNAVAILABLE", { cause: new Error("no key signs") });
      return key;
    },
    ready,
    verificationKeys: ring.verificationKeys,
    compromised: ring.compromised,
    lookAgain,
    sign: ring.sign,
    stateOf,
    list: (after, limit) => listSigningKeys(reader, after, limit),
    prepareRotation: (algorithm = usual, now) => prepareSuccession(deps, { algorithm, occasion: "next", now }),
    prepareCompromise: (kid, now) => prepareCompromise(deps, kid, now),
    caughtUp: ring.reload,
  };

  return {
    signingKeys,
    async settle(unitOfWork, former) {
      changes.begin(unitOfWork);
      await takeOver(deps, changes, former, clock.now());
      await ring.reload();
      for (const algorithm of algorithms) await ready(algorithm).catch(refuseStart);
    },
    onFeed: ring.onFeed,
    sweeps: [{ name: "signing-keys", everyMs: careEveryMs, run: care.tend }],
    measure: (metrics) => measureSigningKeys({ ...deps, keys: ring.rows }, metrics),
  };
}
