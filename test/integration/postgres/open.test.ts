// Opening the database that a process serves from, as the composition root does it.
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { Secret } from "../../../src/kernel/secret.ts";
import { StartRefused } from "../../../src/kernel/start-refused.ts";
import type { ConnectionSettings } from "../../../src/postgres/connection.ts";
import { openDatabase } from "../../../src/postgres/open.ts";
import { draftAt } from "../../fixtures/audit-draft.ts";
import { makeDataDirectory } from "../../fixtures/data-directory.ts";
import { noAudit, startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";

const at = new Date("2026-11-21T10:00:00Z");
const common = { poolSize: 2, clock: systemClock, logger: silentLogger };

function urlOf({ host, user, password, database }: ConnectionSettings): Secret<string> {
  const secret = encodeURIComponent(password.expose());
  return new Secret(`postgres://${user}:${secret}@/${database}?host=${encodeURIComponent(host)}`);
}

describe("open database", () => {
  let database: TestDatabase | undefined;
  let directory: string | undefined;

  afterEach(async () => {
    await database?.drop();
    database = undefined;
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  const openExternal = (url: Secret<string>): ReturnType<typeof openDatabase> =>
    openDatabase({ ...common, url, dataDirectory: "/nonexistent" });
  const refusal = async (url: Secret<string>): Promise<string> => {
    const error: unknown = await openExternal(url).then(
      (opened) => opened.close(),
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(StartRefused);
    const { message } = error as Error;
    expect(message).not.toContain("\n");
    expect(message).not.toContain("hunter2");
    return message;
  };

  it("serves from the embedded server, migrated, and keeps what was written", async () => {
    directory = await makeDataDirectory("gh-open-");
    const dataDirectory = join(directory, "data");
    for (const expected of [1, 2]) {
      const opened = await openDatabase({ ...common, url: undefined, dataDirectory });
      const unit = opened.createUnitOfWork(noAudit, () => {});
      await unit.commit(draftAt(at), async (tx) => {
        tx.announce({ kind: "token", key: String(expected), expiresAt: at });
      });
      const rows = await opened.reader.rows(
        { name: "test.count", text: "select count(*) as n, current_user as login from feed" },
        [],
      );
      expect(rows).toEqual([{ n: expected, login: "gatehouse_app_login" }]);
      await opened.close();
    }
  });

  it("serves from a migrated database named by its URL", async () => {
    database = await startTestDatabase();
    const opened = await openExternal(urlOf(database.connection("app")));
    const rows = await opened.reader.rows({ name: "test.login", text: "select session_user as login" }, []);
    expect(rows).toEqual([{ login: database.connection("app").user }]);
    await opened.close();
  });

  it("refuses a database that was never migrated and names the command", async () => {
    database = await startTestDatabase({ migrated: false });
    expect(await refusal(urlOf(database.connection("owner")))).toBe(
      "the database schema is empty: run gatehouse migrate",
    );
  });

  it("refuses a schema that is behind and names the command", async () => {
    database = await startTestDatabase();
    await database.asOwner("delete from schema_migration where number = (select max(number) from schema_migration)");
    expect(await refusal(urlOf(database.connection("app")))).toMatch(/run gatehouse migrate$/);
  });

  it("refuses a schema that is newer", async () => {
    database = await startTestDatabase();
    await database.asOwner("insert into schema_migration select max(number) + 1, 'x', 'y', $1 from schema_migration", [
      at,
    ]);
    expect(await refusal(urlOf(database.connection("app")))).toMatch(/^the database schema is newer/);
  });

  it("SEC-05 refuses a server that cannot be reached, without the password", async () => {
    const place = await refusal(new Secret("postgres://someone:hunter2@127.0.0.1:1/gatehouse"));
    expect(place).toBe(
      "the database gatehouse at 127.0.0.1:1 of GATEHOUSE_DATABASE_URL cannot be reached or refuses the login",
    );
  });

  it("SEC-05 refuses a wrong password without telling it", async () => {
    database = await startTestDatabase();
    const wrong = { ...database.connection("app"), password: new Secret("hunter2") };
    expect(await refusal(urlOf(wrong))).toMatch(/cannot be reached or refuses the login$/);
  });

  it("refuses a server that is no PostgreSQL", async () => {
    const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await refusal(new Secret(`postgres://someone:hunter2@127.0.0.1:${port}/gatehouse`));
    server.close();
  });

  for (const url of ["hunter2", "mysql://a:hunter2@b/c", "postgres://a:hunter2@[/c", "//hunter2"]) {
    it(`SEC-05 refuses a malformed URL without telling it (${url.replace("hunter2", "...")})`, async () => {
      expect(await refusal(new Secret(url))).toMatch(/^GATEHOUSE_DATABASE_URL is not a Postgres URL/);
    });
  }
});
