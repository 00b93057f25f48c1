// A PostgreSQL of the operator's own: migrated by its owner, served by the application's login, by more than one process.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { shareKeys } from "../../fixtures/key-home.ts";
import { lastOtherwise } from "./beginnings.ts";
import { databaseUrl } from "./database-url.ts";
import { type Environment, runGatehouse } from "./gatehouse-process.ts";
import {
  bootstrap,
  clientOf,
  databaseProcesses,
  type Installation,
  logIn,
  makeInstallation,
  visitorOf,
} from "./installation.ts";

describe("a database of one's own", () => {
  let database: TestDatabase;
  let one: Installation;
  let other: Installation;
  let given: Environment;

  beforeAll(async () => {
    database = await startTestDatabase({ migrated: false });
    given = {
      GATEHOUSE_DATABASE_URL: databaseUrl(database.connection("app")),
      GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
    };
    one = await makeInstallation(given);
    other = await makeInstallation(given);
  });
  afterAll(async () => {
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await database.drop();
  });

  it("is migrated by its owner, once, and then served by the application's login without a database of our own", async () => {
    const owner = { ...one.environment, GATEHOUSE_DATABASE_OWNER_URL: databaseUrl(database.connection("owner")) };
    const migrated = await runGatehouse(owner, ["migrate"]);
    expect(migrated).toMatchObject({ code: 0, stdout: expect.stringMatching(/^migrated: 0001_initial/) });
    const again = await runGatehouse(owner, ["migrate"]);
    expect(again).toMatchObject({ code: 0, stdout: "the schema is up to date\n" });

    const server = await one.start();
    const { tokens } = await bootstrap(one.dataDir, visitorOf(server));
    const client = clientOf(server, tokens.accessToken);
    await client.secrets.putSecret({ path: "shop/key", value: Buffer.from("on the operator's database") });
    const { value } = await client.secrets.getSecret({ path: "shop/key" });
    expect(Buffer.from(value).toString()).toBe("on the operator's database");
    expect(await databaseProcesses(one.dataDir)).toEqual([]);
    const beside = await runGatehouse(one.environment);
    expect(beside).toMatchObject({ code: 1, stdout: "" });
    expect(beside.stderr).toBe(`gatehouse: the data directory ${one.dataDir} is in use by the process ${server.pid}\n`);
    const [row] = await database.asOwner<{ count: number }>("select count(*) from secret_version");
    expect(row?.count).toBe(1);
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it("CLM-10 TOK-08 serves two processes that have the same keys; what one revokes is dead at the other within a second", async () => {
    await shareKeys(one.dataDir, other.dataDir);
    const [first, second] = await Promise.all([one.start(), other.start()]);
    const account = { loginName: "ada", password: "correct horse battery staple" };
    const person = await logIn(visitorOf(first), account);
    const administrator = await logIn(visitorOf(second), account);
    const here = clientOf(first, person.tokens.accessToken);
    const there = clientOf(second, person.tokens.accessToken);

    // Signed here, believed there; sealed there, opened here.
    await there.secrets.putSecret({ path: "shop/other", value: Buffer.from("sealed there") });
    expect(Buffer.from((await here.secrets.getSecret({ path: "shop/other" })).value).toString()).toBe("sealed there");

    await here.auth.logout({});
    const whoAmI = () =>
      there.auth.whoAmI({}).then(
        () => undefined,
        (error: { reason: string }) => error.reason,
      );
    expect(await lastOtherwise(whoAmI, "CREDENTIAL_INVALID")).toBeLessThan(1_000);
    const auditor = clientOf(second, administrator.tokens.accessToken);
    expect((await auditor.tokens.introspect({ token: person.tokens.accessToken })).active).toBe(false);
    expect(await first.stop()).toMatchObject({ code: 0 });
    expect(await second.stop()).toMatchObject({ code: 0 });
  });
});

describe("a database of one's own whose keys are local", () => {
  it("refuses a second data directory without the keys that opened it first, and leaves them as they were", async () => {
    const database = await startTestDatabase();
    const given = {
      GATEHOUSE_KEYS: "local",
      GATEHOUSE_DATABASE_URL: databaseUrl(database.connection("app")),
      GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
    };
    await using one = await makeInstallation(given);
    await using other = await makeInstallation(given);
    expect(await (await one.start()).stop()).toMatchObject({ code: 0 });
    const ended = await runGatehouse(other.environment);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toBe(
      `gatehouse: ${join(other.dataDir, "keys", "keys.json")} is missing, but the database holds data that only its keys open: restore it from a backup\n`,
    );
    const again = await one.start();
    expect(await again.stop()).toMatchObject({ code: 0 });
    await database.drop();
  });
});
