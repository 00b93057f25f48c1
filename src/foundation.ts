// What every command that works on the installation stands on: the database, the keys, and the unit of work that ties a
// change to its record.
import { type AuditSlice, createAuditSlice } from "./audit/slice.ts";
import type { Config } from "./config/schema.ts";
import type { Clock } from "./kernel/clock.ts";
import type { FeedEvent } from "./kernel/database.ts";
import type { Logger } from "./kernel/logger.ts";
import { type Observer, unobserved } from "./kernel/observer.ts";
import type { SignatureAlgorithm } from "./kernel/sealing.ts";
import type { UnitOfWork } from "./kernel/unit-of-work.ts";
import { type Keys, openKeys } from "./keys/open.ts";
import { requireNoServer } from "./postgres/alone.ts";
import { openDataDirectory } from "./postgres/embedded/layout.ts";
import { lockDirectory } from "./postgres/embedded/lock.ts";
import { claimInstallation } from "./postgres/installation.ts";
import { observeDatabase } from "./postgres/observed.ts";
import { type Database, openDatabase } from "./postgres/open.ts";
import { signingKeyTimes } from "./settings.ts";
import type { OpenedVault } from "./vault/open.ts";
import { openVaultLink, vaultKeyLink } from "./vault-link.ts";

export interface FoundationOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Default: nobody watches. */
  readonly telemetry?: Observer;
  /** For `gatehouse keys migrate`: the home that keys come from. Refused while a server works on the database. */
  readonly movingFrom?: Config["keys"];
  /** For `gatehouse keys rotate-wrapping`: another version of the local wrapping key. Refused while a server works on the database. */
  readonly rotateWrapping?: boolean;
  /** Hears at once of what this process itself announced to the feed. */
  readonly onCommitted: (events: readonly FeedEvent[]) => void;
  /** Takes what must be undone, in reverse order, at the end or when the start fails half-way. */
  readonly cleanup: AsyncDisposableStack;
}

export interface Foundation {
  readonly installationId: string;
  readonly database: Database;
  readonly keys: Keys;
  readonly audit: AuditSlice;
  readonly unitOfWork: UnitOfWork;
  /** Undefined = keys live elsewhere. */
  readonly vault: OpenedVault | undefined;
}

/** HS256 is for a foreign audience alone, so Gatehouse's own tokens are then signed with the default. */
function algorithms({ jwtAlgorithm }: Config): readonly [SignatureAlgorithm] {
  return [jwtAlgorithm === "HS256" ? "ES256" : jwtAlgorithm];
}

async function openInstallationKeys(database: Database, vault: OpenedVault | undefined, options: FoundationOptions) {
  const { config, logger, clock, cleanup } = options;
  const installationId = await claimInstallation(database.writer, clock.now());
  const { keys: home, dataDir, masterKey } = config;
  const keys = await openKeys({
    home,
    movingFrom: options.movingFrom,
    rotateWrapping: options.rotateWrapping,
    dataDir,
    masterKey,
    installationId,
    algorithms: algorithms(config),
    signingKeyTimes: signingKeyTimes(config),
    vault: vault && vaultKeyLink(config, vault),
    ...(options.telemetry && { metrics: options.telemetry.metrics }),
    reader: database.reader,
    clock,
    logger,
  });
  cleanup.defer(() => keys.close());
  return { installationId, keys };
}

/** Beside any database: keys and the bootstrap token lie there. The embedded one takes the lock itself, and lets go last. */
async function holdDataDirectory({ config, cleanup }: FoundationOptions): Promise<void> {
  const { root } = await openDataDirectory(config.dataDir);
  if (config.databaseUrl === undefined) return;
  const lock = await lockDirectory(root);
  cleanup.defer(() => lock.release());
}

/** Throws StartRefused. */
export async function layFoundation(options: FoundationOptions): Promise<Foundation> {
  const { config, logger, clock, cleanup, telemetry = unobserved } = options;
  const { metrics, tracer } = telemetry;
  const alone = options.movingFrom !== undefined || options.rotateWrapping === true;
  await holdDataDirectory(options);
  // Before the database: where it cannot be used, none need be made and started.
  const home = options.movingFrom === "vault" ? "vault" : config.keys;
  const vault = await openVaultLink({ config: { ...config, keys: home }, logger, metrics, cleanup });
  const opened = await openDatabase({
    url: config.databaseUrl,
    caFile: config.databaseCaFile,
    dataDirectory: config.dataDir,
    poolSize: config.databasePool,
    applicationName: alone ? "gatehouse keys" : undefined,
    clock,
    logger,
  });
  const database = observeDatabase(opened, { metrics, tracer });
  cleanup.defer(() => database.close());
  if (alone) await requireNoServer(database.reader);
  const { installationId, keys } = await openInstallationKeys(database, vault, options);
  const { reader, writer } = database;
  const audit = createAuditSlice({
    installationId,
    reader,
    writer,
    keys,
    pageTokens: keys.pageTokens,
    metrics,
    tracer,
  });
  cleanup.defer(() => audit.recorder.close());
  const unitOfWork = database.createUnitOfWork(audit.writer, options.onCommitted);
  await keys.settle(unitOfWork);
  return { installationId, database, keys, audit, unitOfWork, vault };
}
