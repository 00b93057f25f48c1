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
import { openDataDirectory } from "./postgres/embedded/layout.ts";
import { lockDirectory } from "./postgres/embedded/lock.ts";
import { claimInstallation } from "./postgres/installation.ts";
import { observeDatabase } from "./postgres/observed.ts";
import { type Database, openDatabase } from "./postgres/open.ts";

export interface FoundationOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Default: nobody watches. */
  readonly telemetry?: Observer;
  /** Hears at once of what this process itself announced to the feed. */
  readonly onCommitted: (events: readonly FeedEvent[]) => void;
  /** Takes what must be undone, in reverse order, at the end or when the start fails half-way. */
  readonly cleanup: AsyncDisposableStack;
}

export interface Foundation {
  readonly database: Database;
  readonly keys: Keys;
  readonly audit: AuditSlice;
  readonly unitOfWork: UnitOfWork;
}

/** HS256 is for a foreign audience alone, so Gatehouse's own tokens are then signed with the default. */
function algorithms({ jwtAlgorithm }: Config): readonly SignatureAlgorithm[] {
  return [jwtAlgorithm === "HS256" ? "ES256" : jwtAlgorithm];
}

async function openInstallationKeys(database: Database, { config, logger, clock, cleanup }: FoundationOptions) {
  const installationId = await claimInstallation(database.writer, clock.now());
  const { keys: home, dataDir, masterKey } = config;
  const keys = await openKeys({
    home,
    dataDir,
    masterKey,
    installationId,
    algorithms: algorithms(config),
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
  await holdDataDirectory(options);
  const opened = await openDatabase({
    url: config.databaseUrl,
    caFile: config.databaseCaFile,
    dataDirectory: config.dataDir,
    poolSize: config.databasePool,
    clock,
    logger,
  });
  const database = observeDatabase(opened, { metrics, tracer });
  cleanup.defer(() => database.close());
  const { installationId, keys } = await openInstallationKeys(database, options);
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
  return { database, keys, audit, unitOfWork };
}
