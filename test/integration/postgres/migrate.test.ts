// Migrations: whole or not at all, one migrator at a time, and never over a schema that is not the one known.
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { StartRefused } from "../../../src/kernel/start-refused.ts";
import { connect } from "../../../src/postgres/connection.ts";
import { migrate } from "../../../src/postgres/migrate.ts";
import { migrationsDirectory, readMigrations } from "../../../src/postgres/migration-files.ts";
import { ensureGroupRoles } from "../../../src/postgres/roles.ts";
import { requireServerVersion } from "../../../src/postgres/schema-state.ts";
import { createFakeLogger } from "../../fakes/logger.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";
import { dumpSchema } from "./schema-dump.ts";

describe("migrate", () => {
  let database: TestDatabase;
  let directory: string;

  beforeEach(async () => {
    database = await startTestDatabase({ migrated: false });
    directory = await mkdtemp(join(tmpdir(), "gh-migrations-"));
    await file("0001_first.sql", "create table one (id integer primary key); grant select on one to gatehouse_app;");
    await file("0002_second.sql", "create table two (id integer primary key); insert into two values (1), (2);");
  });
  afterEach(async () => {
    await database.drop();
    await rm(directory, { recursive: true });
  });

  const file = (name: string, sql: string): Promise<void> => writeFile(join(directory, name), sql);
  const run = (): Promise<readonly string[]> =>
    migrate({ connection: database.connection("owner"), clock: systemClock, logger: silentLogger, directory });
  const executed = async (): Promise<unknown[]> =>
    (await database.asOwner<{ name: string }>("select name from schema_migration order by number")).map(
      (row) => row.name,
    );

  it("executes what is pending, in order, once", async () => {
    expect(await run()).toEqual(["0001_first", "0002_second"]);
    expect(await run()).toEqual([]);
    await file("0003_third.sql", "alter table two add column note text;");
    expect(await run()).toEqual(["0003_third"]);
    expect(await executed()).toEqual(["0001_first", "0002_second", "0003_third"]);
  });

  it("several migrators at once execute everything once", async () => {
    const done = await Promise.all([run(), run(), run(), run()]);
    expect(done.flat().sort()).toEqual(["0001_first", "0002_second"]);
    expect(await database.asOwner("select count(*) as n from two")).toEqual([{ n: 2 }]);
  });

  it("undoes a migration that fails, keeps those before it, and goes on when it is repaired", async () => {
    await file("0003_third.sql", "create table three (id integer); insert into three values (1); select 1 / 0;");
    await expect(run()).rejects.toThrow("the migration 0003_third failed and was undone");
    expect(await executed()).toEqual(["0001_first", "0002_second"]);
    expect(await database.asOwner("select to_regclass('three') as three")).toEqual([{ three: null }]);
    await file("0003_third.sql", "create table three (id integer);");
    expect(await run()).toEqual(["0003_third"]);
  });

  it("DAT-11 gives way to whoever uses a table, and says so when that does not end", async () => {
    await run();
    await file("0003_third.sql", "alter table one add column note text;");
    const [user, late] = [await connect(database.connection("app"), 20_000), database.pool];
    const options = { connection: database.connection("owner"), clock: systemClock, logger: createFakeLogger() };
    try {
      await user.query("begin");
      await user.query("select * from one");
      const migrating = migrate({ ...options, directory, tableLockMs: 50 });
      const refused = expect(migrating).rejects.toThrow(
        "the migration 0003_third needs a table that a long transaction holds; it was undone, and may be tried again",
      );
      // It waits its turn behind the migration, and is let through when that gives way.
      expect(await late.rows({ name: "late", text: "select count(*)::int as n from one" }, [])).toEqual([{ n: 0 }]);
      await refused;
      expect(options.logger.lines).toHaveLength(5);
      await user.query("commit");
    } finally {
      await user.end();
    }
    expect(await run()).toEqual(["0003_third"]);
  });

  it("DAT-11 leaves processes of the schema before it at work, while it migrates and after", async () => {
    const released = await readMigrations(migrationsDirectory);
    const options = { connection: database.connection("owner"), clock: systemClock, logger: silentLogger };
    const schema = await mkdtemp(join(tmpdir(), "gh-schema-"));
    const write = (migration: (typeof released)[number]) =>
      writeFile(join(schema, `${migration.name}.sql`), migration.sql);
    let done = false;
    /** What every release does all the time: it asks for grants, tells the feed, records. */
    const work = async (offset: number): Promise<number> => {
      let rounds = 0;
      for (; !done || rounds < 3; rounds += 1) {
        await database.reader.rows(
          { name: "old.standing", text: "select g.id from access_grant g join role r on r.name = g.role" },
          [],
        );
        await database.writer.write(
          { name: "old.feed", text: "insert into feed values ($1, 'token', 'key', '2030-01-01') returning number" },
          [offset + rounds],
        );
        await database.writer.write({ name: "old.sweep", text: "delete from feed where number = $1" }, [
          offset + rounds,
        ]);
      }
      return rounds;
    };
    try {
      for (const migration of released.slice(0, 1)) await write(migration);
      await migrate({ ...options, directory: schema });
      const workers = [work(1_000_000), work(2_000_000), work(3_000_000)];
      for (const migration of released.slice(1)) {
        await write(migration);
        expect(await migrate({ ...options, directory: schema })).toEqual([migration.name]);
      }
      done = true;
      for (const rounds of await Promise.all(workers)) expect(rounds).toBeGreaterThan(2);
    } finally {
      done = true;
      await rm(schema, { recursive: true });
    }
  });

  it("refuses when an executed migration was changed", async () => {
    await run();
    await file("0001_first.sql", "create table one (id bigint primary key);");
    await file("0003_third.sql", "create table three (id integer);");
    await expect(run()).rejects.toThrow(/the migration 0001_first was executed in another form/);
    await expect(run()).rejects.toBeInstanceOf(StartRefused);
    expect(await executed()).toEqual(["0001_first", "0002_second"]);
  });

  it("refuses a schema that is newer than itself", async () => {
    await run();
    await rm(join(directory, "0002_second.sql"));
    await expect(run()).rejects.toThrow("the database schema is newer (2) than this release of gatehouse knows (1)");
  });

  it("refuses files whose numbers have a gap or that have no number", async () => {
    await file("0004_fourth.sql", "select 1");
    await expect(readMigrations(directory)).rejects.toThrow("0004_fourth.sql is not number 3");
    await rm(join(directory, "0004_fourth.sql"));
    await file("third.sql", "select 1");
    await expect(readMigrations(directory)).rejects.toThrow("third.sql is not number 3");
  });

  it("refuses a server that cannot be reached, without the password", async () => {
    const connection = { ...database.connection("owner"), host: "/nonexistent" };
    const error = (await migrate({ connection, clock: systemClock, logger: silentLogger, directory }).catch(
      (thrown: unknown) => thrown,
    )) as Error;
    expect(error).toBeInstanceOf(StartRefused);
    expect(error.message).not.toContain(connection.password.expose());
  });

  it("refuses a server that is too old", async () => {
    const client = { query: async () => ({ rows: [{ version: "140011" }] }) };
    await expect(requireServerVersion(client as never)).rejects.toThrow("PostgreSQL 14, at least 15 is needed");
  });

  it("takes it as done when another migrator makes the group roles in the same moment", async () => {
    const client = await connect(database.connection("owner"), 20_000);
    const late = { query: (sql: string) => (sql.startsWith("select") ? { rows: [] } : client.query(sql)) };
    await ensureGroupRoles(late as never).finally(() => client.end());
  });

  it("says what to do when the owner may not make the group roles", async () => {
    const client = await connect(database.connection("app"), 20_000);
    const poor = { query: (sql: string) => (sql.startsWith("select") ? { rows: [] } : client.query(sql)) };
    const made = ensureGroupRoles(poor as never).finally(() => client.end());
    await expect(made).rejects.toThrow(/create the roles gatehouse_app and gatehouse_log/);
  });

  it("the migrations of this release make the reviewed schema", async () => {
    await migrate({ connection: database.connection("owner"), clock: systemClock, logger: silentLogger });
    const client = await connect(database.connection("owner"), 20_000);
    const dump = await dumpSchema(client).finally(() => client.end());
    await expect(dump).toMatchFileSnapshot("../../../src/postgres/schema.sql");
  });

  it("no migration reads a clock", async () => {
    for (const name of await readdir(migrationsDirectory)) expect(name).toMatch(/^\d{4}_[a-z0-9_]+\.sql$/);
    for (const migration of await readMigrations(migrationsDirectory)) {
      expect(migration.sql).not.toMatch(/\bnow\s*\(|current_timestamp|clock_timestamp|localtimestamp/i);
    }
  });
});
