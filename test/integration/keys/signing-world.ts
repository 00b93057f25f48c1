// Replicas that share a database and a home of keys, each with its own memory, on one clock that the test sets.
import type { AuditDraft, AuditWriter } from "../../../src/kernel/audit.ts";
import type { FeedEvent, Transaction } from "../../../src/kernel/database.ts";
import type { SignatureAlgorithm } from "../../../src/kernel/sealing.ts";
import type {
  Compromise,
  FormerSigningKey,
  KeyReplacement,
  PreparedKeyChange,
  SigningKeyFacts,
  SigningKeyHome,
} from "../../../src/keys/ports.ts";
import { KeyHomeUnavailable } from "../../../src/keys/ports.ts";
import { openSigningKeys } from "../../../src/keys/signing/open.ts";
import type { SigningKeyTimes } from "../../../src/keys/signing/states.ts";
import { createUnitOfWork } from "../../../src/postgres/unit-of-work.ts";
import { createFakeLogger } from "../../fakes/logger.ts";
import { draftAt } from "../../fixtures/audit-draft.ts";
import type { TestDatabase } from "../../fixtures/database.ts";
import { signingHomesOfRun } from "../../fixtures/signing-homes.ts";

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

export const times: SigningKeyTimes = { rotationMs: 90 * day, leadMs: hour, tokenLifeMs: 31 * minute };

export interface BreakableHome extends SigningKeyHome {
  away: boolean;
  /** From now on, what making a key rejects with; undefined = works again. */
  refusing: Error | undefined;
  /** What making a key waits for. */
  waiting: Promise<void>;
  readonly generated: number;
  readonly destroyed: readonly string[];
}

/** A real home that can be cut off, and tells what was asked of it. `name` = what it passes for. */
function createHome(home: SigningKeyHome, name: SigningKeyHome["name"]): BreakableHome {
  const destroyed: string[] = [];
  let generated = 0;
  const gate = <T>(answer: () => Promise<T>): Promise<T> =>
    breakable.away ? Promise.reject(new KeyHomeUnavailable("no answer")) : answer();
  const breakable: BreakableHome = {
    name,
    away: false,
    refusing: undefined,
    waiting: Promise.resolve(),
    destroyed,
    get generated() {
      return generated;
    },
    generate: (algorithm, number) =>
      gate(async () => {
        await breakable.waiting;
        if (breakable.refusing !== undefined) throw breakable.refusing;
        generated += 1;
        return home.generate(algorithm, number);
      }),
    sign: (key, input) => gate(() => home.sign(key, input)),
    destroy: (key) =>
      gate(async () => {
        destroyed.push(key.handle);
        await home.destroy(key);
      }),
  };
  return breakable;
}

export interface ReplicaOptions {
  readonly algorithms?: readonly [SignatureAlgorithm, ...SignatureAlgorithm[]];
  readonly times?: Partial<SigningKeyTimes>;
  readonly home?: SigningKeyHome["name"];
  /** What others commit does not reach it. */
  readonly deaf?: boolean;
  readonly former?: readonly FormerSigningKey[];
  /** True = its home does not answer. */
  readonly away?: boolean;
  /** How far its clock is ahead of the test's. */
  readonly skewMs?: number;
  /** Undefined = as long as a server has. Default: longer than a busy machine and its Vault take to make a key. */
  readonly patienceMs?: number | undefined;
}

/** `openHome`: where private keys are made. Default: the home of the run. */
export function createSigningWorld(database: TestDatabase, openHome = signingHomesOfRun()) {
  const clock = {
    time: Date.UTC(2026, 10, 21, 12),
    now() {
      return new Date(this.time);
    },
    pass(milliseconds: number) {
      this.time += milliseconds;
    },
  };
  const records: AuditDraft[] = [];
  const announced: FeedEvent[] = [];
  const listeners: ((events: readonly FeedEvent[]) => void)[] = [];
  const audit: AuditWriter = {
    prepare: (draft) => ({ draft }),
    insert: async (_tx, prepared) => void records.push(...prepared.map(({ draft }) => structuredClone(draft))),
  };
  const unitOfWork = createUnitOfWork({
    pool: database.pool,
    audit,
    onCommitted: (events) => {
      announced.push(...events);
      for (const listener of listeners) listener(events);
    },
  });

  /** A change as a handler commits it. */
  async function commit<T>(change: PreparedKeyChange<T>): Promise<T> {
    return await unitOfWork.commit(draftAt(clock.now()), (tx: Transaction) => change.store(tx));
  }

  async function replica(options: ReplicaOptions = {}) {
    const real = await openHome();
    const home = createHome(real, options.home ?? real.name);
    home.away = options.away ?? false;
    const logger = createFakeLogger();
    const ownClock = { now: () => new Date(clock.time + (options.skewMs ?? 0)) };
    const opened = openSigningKeys({
      home,
      algorithms: options.algorithms ?? ["ES256"],
      times: { ...times, ...options.times },
      reader: database.reader,
      clock: ownClock,
      logger,
      patienceMs: "patienceMs" in options ? options.patienceMs : 20_000,
    });
    const { signingKeys } = opened;
    if (options.deaf !== true) listeners.push(opened.onFeed);
    await opened.settle(unitOfWork, options.former ?? []);
    return {
      home,
      logger,
      keys: signingKeys,
      onFeed: opened.onFeed,
      /** What the job does when it is due. */
      tend: async () => {
        for (const sweep of opened.sweeps) await sweep.run(ownClock.now());
      },
      rotate: async (algorithm?: SignatureAlgorithm): Promise<KeyReplacement> => {
        const done = await commit(await signingKeys.prepareRotation(algorithm, clock.now()));
        await signingKeys.caughtUp();
        return done;
      },
      compromise: async (kid: string): Promise<Compromise> => {
        const done = await commit(await signingKeys.prepareCompromise(kid, clock.now()));
        await signingKeys.caughtUp();
        return done;
      },
      all: (): Promise<readonly SigningKeyFacts[]> => signingKeys.list(undefined, 500),
      published: () => signingKeys.verificationKeys().map(({ kid }) => kid),
    };
  }

  return { clock, records, announced, unitOfWork, commit, replica };
}

export type SigningWorld = ReturnType<typeof createSigningWorld>;
export type Replica = Awaited<ReturnType<SigningWorld["replica"]>>;
