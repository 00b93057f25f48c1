// Brings a database to this release's schema, one migrator at a time, each migration whole or not at all.
import pg from "pg";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import { type ConnectionSettings, connect, describeConnection } from "./connection.ts";
import { trustFault } from "./connection-security.ts";
import { type Migration, migrationsDirectory, readMigrations } from "./migration-files.ts";
import { ensureGroupRoles } from "./roles.ts";
import { executedMigrations, pendingMigrations, requireServerVersion } from "./schema-state.ts";

export interface MigrateOptions {
  /** The owner login. */
  readonly connection: ConnectionSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: the migrations of this release. */
  readonly directory?: string;
  /** How long a migration waits for a table that others use. */
  readonly tableLockMs?: number;
}

// "gate" in ASCII; the second key is free for other locks.
const lockClass = 0x67617465;
const migrateLock = 1;
const connectTimeoutMs = 5_000;
// Another migrator may be at work for a while; a forgotten session must not block for ever.
const lockTimeoutMs = 120_000;
// Everybody who comes after a migration that waits for a table waits too, so it gives way soon, and tries again.
const defaultTableLockMs = 2_000;
const mostTries = 5;

function isTableInUse(error: unknown): boolean {
  return (error as { readonly cause?: { readonly code?: unknown } }).cause?.code === "55P03";
}

async function executeOnce(
  client: pg.ClientBase,
  migration: Migration,
  { clock, tableLockMs = defaultTableLockMs }: MigrateOptions,
): Promise<void> {
  await client.query("begin");
  try {
    await client.query(`set local lock_timeout = ${tableLockMs}`);
    // First, so that a migrator that got past the lock (another client, a pooler) fails here and not half way.
    await client.query("insert into schema_migration (number, name, checksum, applied_at) values ($1, $2, $3, $4)", [
      migration.number,
      migration.name,
      migration.checksum,
      clock.now(),
    ]);
    await client.query(migration.sql);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw new Error(`the migration ${migration.name} failed and was undone`, { cause: error });
  }
}

async function execute(client: pg.ClientBase, migration: Migration, options: MigrateOptions): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await executeOnce(client, migration, options);
    } catch (error) {
      if (!isTableInUse(error)) throw error;
      options.logger.warn({ migration: migration.name, attempt }, "a table is in use, so the migration was undone");
      if (attempt < mostTries) continue;
      const why = "needs a table that a long transaction holds; it was undone, and may be tried again";
      throw new StartRefused(`the migration ${migration.name} ${why}`, { cause: error });
    }
  }
}

/** Until the owner says otherwise, anyone who can connect may make temporary tables, and on old servers any table. */
export async function closeToPublic(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>("select current_database() as name");
  const database = pg.escapeIdentifier(rows[0]?.name ?? "");
  await client.query(`
    revoke create, temporary on database ${database} from public;
    revoke create on schema public from public;
    grant connect on database ${database} to gatehouse_app, gatehouse_log`);
}

async function prepareDatabase(client: pg.ClientBase): Promise<void> {
  await ensureGroupRoles(client);
  await client.query(`
    create table if not exists schema_migration (
      number integer primary key check (number >= 1),
      name text not null,
      checksum text not null,
      applied_at timestamptz not null
    );
    grant select on schema_migration to gatehouse_app, gatehouse_log`);
}

async function migrateLocked(client: pg.ClientBase, options: MigrateOptions): Promise<readonly string[]> {
  const known = await readMigrations(options.directory ?? migrationsDirectory);
  const executed = await executedMigrations(client);
  const pending = pendingMigrations(known, executed);
  if (executed.length === 0) await prepareDatabase(client);
  if (pending.length > 0) await closeToPublic(client);
  for (const migration of pending) {
    await execute(client, migration, options);
    options.logger.info({ migration: migration.name }, "migrated");
  }
  return pending.map((migration) => migration.name);
}

async function takeLock(client: pg.ClientBase): Promise<void> {
  await client.query(`set lock_timeout = ${lockTimeoutMs}`);
  await client.query("select pg_advisory_lock($1, $2)", [lockClass, migrateLock]).catch((error: unknown) => {
    throw new StartRefused("another process is migrating the database and does not finish", { cause: error });
  });
  await client.query("set lock_timeout = 0");
}

/**
 * Executes what is pending and answers its names; none when the schema is current. Throws StartRefused when the database
 * cannot be reached, is too old, or holds a schema that this release does not know.
 */
export async function migrate(options: MigrateOptions): Promise<readonly string[]> {
  const client = await connect(options.connection, connectTimeoutMs).catch((error: unknown) => {
    const distrusted = trustFault(error);
    const fault = distrusted === undefined ? "cannot be reached as its owner" : `is not trusted: ${distrusted}`;
    throw new StartRefused(`the database ${describeConnection(options.connection)} ${fault}`, { cause: error });
  });
  try {
    await requireServerVersion(client);
    await client.query("set client_min_messages = warning");
    await takeLock(client);
    return await migrateLocked(client, options);
  } finally {
    // Ends the session, and with it the lock.
    await client.end();
  }
}
