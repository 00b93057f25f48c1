// The database that a process serves from: its own embedded server, or the one that GATEHOUSE_DATABASE_URL names.
import type pg from "pg";
import type { AuditWriter } from "../kernel/audit.ts";
import type { Clock } from "../kernel/clock.ts";
import type { FeedEvent, LoneWriter, Reader } from "../kernel/database.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Secret } from "../kernel/secret.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import type { UnitOfWork } from "../kernel/unit-of-work.ts";
import { type ConnectionSettings, connect, describeConnection, parseConnectionUrl } from "./connection.ts";
import { trustFault } from "./connection-security.ts";
import { startEmbedded } from "./embedded/server.ts";
import { type FeedHints, listenToFeed } from "./feed-hints.ts";
import { migrate } from "./migrate.ts";
import { migrationsDirectory, readMigrations } from "./migration-files.ts";
import { createPool, type Pool, type PoolUsage } from "./pool.ts";
import { executedMigrations, pendingMigrations, requireServerVersion } from "./schema-state.ts";
import { createLoneWriter, createUnitOfWork } from "./unit-of-work.ts";

export interface OpenDatabaseOptions {
  /** Undefined = the embedded server in the data directory. */
  readonly url: Secret<string> | undefined;
  /** Authorities of the server at `url`, in PEM. */
  readonly caFile?: string | undefined;
  readonly dataDirectory: string;
  readonly poolSize: number;
  /** Of a command that is no server, so that it can tell servers from itself. */
  readonly applicationName?: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Database {
  readonly reader: Reader;
  readonly writer: LoneWriter;
  connections(): PoolUsage;
  /** Hears when the feed has something new, as far as it can be heard. */
  listen(onHint: () => void): FeedHints;
  createUnitOfWork(audit: AuditWriter, onCommitted: (events: readonly FeedEvent[]) => void): UnitOfWork;
  /** After the last call has been answered. Stops the embedded server. */
  close(): Promise<void>;
}

const connectTimeoutMs = 5_000;
const urlSetting = "GATEHOUSE_DATABASE_URL";

interface Served {
  readonly pool: Pool;
  readonly connection: ConnectionSettings;
  readonly logger: Logger;
  readonly close: () => Promise<void>;
}

function databaseOf({ pool, connection, logger, close }: Served): Database {
  return {
    reader: pool,
    writer: createLoneWriter(pool),
    connections: pool.usage,
    listen: (onHint) => listenToFeed({ connection, logger, onHint }),
    createUnitOfWork: (audit, onCommitted) => createUnitOfWork({ pool, audit, onCommitted }),
    close,
  };
}

async function openEmbedded(options: OpenDatabaseOptions): Promise<Database> {
  const { clock, logger } = options;
  const server = await startEmbedded(options);
  try {
    await migrate({ connection: server.connection("owner"), clock, logger });
  } catch (error) {
    await server.stop();
    throw error;
  }
  const connection = server.connection("app");
  const pool = createPool({ connection, logger, size: options.poolSize });
  const close = async () => {
    await pool.close();
    await server.stop();
  };
  return databaseOf({ pool, connection, logger, close });
}

/** The schema must be exactly this release's: a replica that migrated by itself would race the others. */
async function requireCurrentSchema(client: pg.ClientBase): Promise<void> {
  const known = await readMigrations(migrationsDirectory);
  const executed = await executedMigrations(client).catch((error: unknown) => {
    throw new StartRefused(`the login of ${urlSetting} may not read the schema: grant it the role gatehouse_app`, {
      cause: error,
    });
  });
  const pending = pendingMigrations(known, executed);
  if (pending.length === 0) return;
  const state = executed.length === 0 ? "is empty" : `is ${pending.length} migrations behind`;
  throw new StartRefused(`the database schema ${state}: run gatehouse migrate`);
}

/** A login that holds more than it needs works, but then the database guards nothing. */
async function warnOfPower(client: pg.ClientBase, logger: Logger): Promise<void> {
  const { rows } = await client.query<{ powerful: boolean }>(
    "select rolsuper or rolcreaterole or rolcreatedb as powerful from pg_catalog.pg_roles where rolname = current_user",
  );
  if (rows[0]?.powerful !== true) return;
  logger.warn({}, `the login of ${urlSetting} may do more than serve: use a login whose only role is gatehouse_app`);
}

async function checkExternal(connection: ConnectionSettings, logger: Logger): Promise<void> {
  const client = await connect(connection, connectTimeoutMs).catch((error: unknown) => {
    const place = describeConnection(connection);
    const distrusted = trustFault(error);
    const fault = distrusted === undefined ? "cannot be reached or refuses the login" : `is not trusted: ${distrusted}`;
    throw new StartRefused(`the database ${place} of ${urlSetting} ${fault}`, { cause: error });
  });
  try {
    await requireServerVersion(client);
    await requireCurrentSchema(client);
    await warnOfPower(client, logger);
  } finally {
    await client.end();
  }
}

async function openExternal(options: OpenDatabaseOptions, url: Secret<string>): Promise<Database> {
  const { applicationName = "gatehouse" } = options;
  const connection = { ...parseConnectionUrl(urlSetting, url, options.caFile), applicationName };
  await checkExternal(connection, options.logger);
  const { logger } = options;
  const pool = createPool({ connection, logger, size: options.poolSize });
  return databaseOf({ pool, connection, logger, close: pool.close });
}

/** Throws StartRefused with one sentence when the database cannot serve. */
export function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  return options.url === undefined ? openEmbedded(options) : openExternal(options, options.url);
}
