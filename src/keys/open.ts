// Opens the keys: the home, the installation's data keys, and what slices are given of them.
import type { Clock } from "../kernel/clock.ts";
import type { FeedEvent, Reader } from "../kernel/database.ts";
import { GatehouseError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Metrics } from "../kernel/metrics.ts";
import type { InstallationSealer, Macs, PageTokens, SignatureAlgorithm, ValueSealer } from "../kernel/sealing.ts";
import type { Sweep } from "../kernel/sweep.ts";
import type { UnitOfWork } from "../kernel/unit-of-work.ts";
import { createBlindIndex } from "./blind-index.ts";
import { createDataKeyCache, type DataKeyCache } from "./data-key-cache.ts";
import { createEnvelope } from "./envelope.ts";
import { homeOrRefusal, type OpenHomeOptions, openHomes } from "./homes.ts";
import { createInstallationKeys } from "./installation-keys.ts";
import { createInstallationSealer } from "./installation-sealer.ts";
import { createMacs } from "./macs.ts";
import { createPageTokens } from "./page-token.ts";
import type { BlindIndex, KeyWrapper, SigningKeys, SubjectKeyRing } from "./ports.ts";
import { openSigningKeys } from "./signing/open.ts";
import type { SigningKeyTimes } from "./signing/states.ts";
import { createDataKeyReader, createDataKeyWriter, createSubjectKeyReader, createSubjectKeyWriter } from "./store.ts";
import { createSubjectKeys } from "./subject-keys.ts";

export interface OpenKeysOptions extends OpenHomeOptions {
  /** The first is the default. */
  readonly algorithms: readonly [SignatureAlgorithm, ...SignatureAlgorithm[]];
  readonly signingKeyTimes: SigningKeyTimes;
  readonly reader: Reader;
  readonly logger: Logger;
}

export interface Keys {
  readonly signingKeys: SigningKeys;
  readonly wrapper: KeyWrapper;
  readonly macs: Macs;
  readonly sealer: InstallationSealer;
  readonly values: ValueSealer;
  readonly subjects: SubjectKeyRing;
  readonly pageTokens: PageTokens;
  readonly blindIndex: BlindIndex;
  /** For refuseLocalKeysBeyondLoopback; true where the master key is not ours at all. */
  readonly masterKeyIsExternal: boolean;
  /**
   * Stores what was made at this start. To be awaited before the first call is served; until then only `unitOfWork`
   * itself, whose audit records need the keys, may use them.
   */
  settle(unitOfWork: UnitOfWork): Promise<void>;
  /** Idempotent; other kinds of events are left alone. */
  onFeed(events: readonly FeedEvent[]): void;
  readonly sweeps: readonly Sweep[];
  /** Once; from then on whoever looks at the metrics sees the keys of that moment. */
  measure(metrics: Metrics): void;
  close(): void;
}

const minute = 60_000;

/** Five minutes in use; an hour more while the home is unreachable; 4,096 keys are about half a megabyte. */
function createCache(clock: Clock, logger: Logger): DataKeyCache {
  return createDataKeyCache({
    clock,
    maxAgeMs: 5 * minute,
    maxStaleMs: 60 * minute,
    retryMs: 1000,
    maxMessages: 1_000_000,
    maxEntries: 4096,
    onStale: () => logger.warn({}, "the key home is unreachable: a cached data key serves beyond its age"),
  });
}

export async function openKeys(options: OpenKeysOptions): Promise<Keys> {
  const { installationId, reader, clock, logger } = options;
  const dataKeys = createDataKeyReader(reader);
  const rows = await dataKeys.load();
  const home = await openHomes(options, rows);
  const { wrapper } = home;
  const signing = openSigningKeys({ ...options, home: home.signing, times: options.signingKeyTimes });
  const ring = await homeOrRefusal(createInstallationKeys({ installationId, wrapper, reader: dataKeys, rows }));
  const caches = { values: createCache(clock, logger), subjects: createCache(clock, logger) };
  let unitOfWork: UnitOfWork | undefined;
  const settled = (): UnitOfWork => {
    if (unitOfWork === undefined) throw new GatehouseError("KEYS_UNAVAILABLE");
    return unitOfWork;
  };
  const subjectStore = { reader: createSubjectKeyReader(reader), writer: createSubjectKeyWriter(settled, clock) };
  const macs = createMacs(ring);
  const sealer = createInstallationSealer(installationId, ring);

  return {
    signingKeys: signing.signingKeys,
    wrapper,
    macs,
    sealer,
    values: createEnvelope({ installationId, wrapper, cache: caches.values }),
    subjects: createSubjectKeys({ installationId, wrapper, cache: caches.subjects, ...subjectStore, clock }),
    pageTokens: createPageTokens(sealer),
    blindIndex: createBlindIndex(macs, ring),
    masterKeyIsExternal: home.masterKeyIsExternal,
    async settle(given) {
      await homeOrRefusal(ring.settle(createDataKeyWriter(given, clock)));
      unitOfWork = given;
      await homeOrRefusal(signing.settle(given, home.former));
      await home.forgetFormer();
    },
    onFeed: signing.onFeed,
    sweeps: signing.sweeps,
    measure: signing.measure,
    close() {
      caches.values.clear();
      caches.subjects.clear();
      ring.erase();
      home.close();
    },
  };
}
