// Compares what was executed on a database with the migrations that this release knows.
import type pg from "pg";
import { StartRefused } from "../kernel/start-refused.ts";
import type { Migration } from "./migration-files.ts";

export interface ExecutedMigration {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
}

const oldestServer = 150_000;

export async function requireServerVersion(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: string }>("select current_setting('server_version_num') as version");
  const version = Number(rows[0]?.version);
  if (version >= oldestServer) return;
  throw new StartRefused(`the database server is PostgreSQL ${Math.floor(version / 10_000)}, at least 15 is needed`);
}

/** Empty on a database that was never migrated. */
export async function executedMigrations(client: pg.ClientBase): Promise<readonly ExecutedMigration[]> {
  const found = await client.query("select 1 from pg_catalog.pg_class where oid = to_regclass('schema_migration')");
  if (found.rowCount === 0) return [];
  const { rows } = await client.query<ExecutedMigration>(
    "select number, name, checksum from schema_migration order by number",
  );
  return rows;
}

/**
 * The migrations still to execute. Throws StartRefused when what was executed is not the beginning of what is known:
 * the schema is newer than this release, or a released file was changed.
 */
export function pendingMigrations(
  known: readonly Migration[],
  executed: readonly ExecutedMigration[],
): readonly Migration[] {
  if (executed.length > known.length) {
    throw new StartRefused(
      `the database schema is newer (${executed.length}) than this release of gatehouse knows (${known.length}): use the newer release`,
    );
  }
  executed.forEach((migration, index) => {
    const file = known[index];
    if (file?.number === migration.number && file.checksum === migration.checksum) return;
    throw new StartRefused(
      `the migration ${migration.name} was executed in another form than this release has: a released migration must never change`,
    );
  });
  return known.slice(executed.length);
}
