// What the logins of the product may not do, tried with their own credentials.
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { uuidv7 } from "../../../src/kernel/ids.ts";
import { connect } from "../../../src/postgres/connection.ts";
import { startTestDatabase, type TestDatabase, type TestLogin } from "../../fixtures/database.ts";

const insufficientPrivilege = "42501";
const at = new Date("2026-11-21T10:00:00Z");

describe("rights of the logins", () => {
  let database: TestDatabase;
  const clients = new Map<TestLogin, pg.Client>();

  beforeAll(async () => {
    database = await startTestDatabase();
    for (const login of ["owner", "app", "log"] as const)
      clients.set(login, await connect(database.connection(login), 20_000));
    await clients
      .get("app")
      ?.query(
        "insert into audit_event (id, entry, occurred_at, event, category, outcome) values ($1, '\\x0102', $2, 'a.b', 'ADMIN', 'SUCCESS')",
        [uuidv7(at), at],
      );
  });
  afterAll(async () => {
    for (const client of clients.values()) await client.end();
    await database.drop();
  });

  const codeOf = async (login: TestLogin, sql: string): Promise<string | undefined> =>
    clients
      .get(login)
      ?.query(sql)
      .then(
        () => "allowed",
        (error: { code?: string }) => error.code,
      );

  const definitions = [
    "create table mine (id integer)",
    "create temporary table mine (id integer)",
    "create schema mine",
    "create function mine() returns integer language sql as 'select 1'",
    "create role mine",
    "create database mine",
    "alter table audit_event disable trigger all",
    "alter table principal add column mine text",
    "drop table session",
    "create index mine on session (client_id)",
    "set role gatehouse_owner",
    "set session authorization gatehouse_owner",
    "alter role gatehouse_app_login superuser",
    "copy principal to '/tmp/mine'",
    "copy principal to program 'cat'",
    "select pg_read_file('/etc/passwd')",
    "alter system set fsync = off",
    "create extension dblink",
  ];
  for (const login of ["app", "log"] as const) {
    for (const sql of definitions) {
      it(`SEC-04 the ${login} login may not: ${sql}`, async () => {
        const code = await codeOf(login, sql);
        // Some are refused because the thing does not exist for the login at all.
        expect([insufficientPrivilege, "58P01", "0A000"]).toContain(code);
      });
    }
  }

  for (const verb of ["update audit_event set event = 'x'", "delete from audit_event", "truncate audit_event"]) {
    it(`SEC-04 nobody may: ${verb}`, async () => {
      for (const login of ["app", "log", "owner"] as const)
        expect(await codeOf(login, verb)).toBe(insufficientPrivilege);
    });
  }

  it("SEC-04 the app login reads and adds audit events, the log login reads them", async () => {
    expect(await codeOf("app", "select id from audit_event")).toBe("allowed");
    expect(await codeOf("log", "select id from audit_event")).toBe("allowed");
    expect(
      await codeOf(
        "log",
        "insert into audit_event (id, entry, occurred_at, event, category, outcome) values (gen_random_uuid(), '\\x0102', '2026-01-01', 'a', 'ADMIN', 'SUCCESS')",
      ),
    ).toBe(insufficientPrivilege);
  });

  it("SEC-04 no login can hand on what it has", async () => {
    // Postgres only warns here, so the effect is looked at.
    await codeOf("app", "grant insert on audit_event to gatehouse_log");
    await codeOf("log", "grant select on audit_event to public");
    const [rights] = await database.asOwner(
      "select has_table_privilege('gatehouse_log', 'audit_event', 'insert') as log, (select count(*) from pg_class c, aclexplode(c.relacl) where relname = 'audit_event' and grantee = 0) as everyone",
    );
    expect(rights).toEqual({ log: false, everyone: 0 });
  });

  it("SEC-04 the log login reads nothing but the trail", async () => {
    for (const table of ["person", "session", "secret_version", "data_key", "subject_key"]) {
      expect(await codeOf("log", `select 1 from ${table}`)).toBe(insufficientPrivilege);
    }
  });

  it("SEC-04 neither login can migrate or rewrite what was migrated", async () => {
    for (const login of ["app", "log"] as const) {
      expect(await codeOf(login, "select number from schema_migration")).toBe("allowed");
      expect(await codeOf(login, "delete from schema_migration")).toBe(insufficientPrivilege);
    }
  });

  it("SEC-04 the embedded server has no superuser that can log in", async () => {
    const connection = { ...database.connection("owner"), user: "postgres" };
    await expect(connect(connection, 20_000)).rejects.toThrow(/no pg_hba.conf entry/);
    expect(await database.asOwner("select 1 from pg_roles where rolsuper and rolname <> 'postgres'")).toEqual([]);
  });
});
