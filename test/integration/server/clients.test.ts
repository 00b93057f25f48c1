// Applications with the real command: two processes on one database, a person who logs in through a client, and what is left when
// the client is disabled at the other process.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { shareKeys } from "../../fixtures/key-home.ts";
import { lastOtherwise } from "./beginnings.ts";
import { databaseUrl } from "./database-url.ts";
import { type GatehouseProcess, runGatehouse } from "./gatehouse-process.ts";
import { bootstrap, clientOf, type Installation, makeInstallation, type Person, visitorOf } from "./installation.ts";

const settings = { logins: true, audiences: ["gatehouse", "shop"], scopes: ["secrets.read"] };
const promiseMs = 1_000;
const account = { loginName: "ada", password: "correct horse battery staple" };

describe("a client of two processes", () => {
  let database: TestDatabase;
  const installations: Installation[] = [];
  const servers: GatehouseProcess[] = [];
  let root: Person;

  beforeAll(async () => {
    database = await startTestDatabase();
    const given = {
      GATEHOUSE_DATABASE_URL: databaseUrl(database.connection("app")),
      GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
    };
    const [one, other] = [await makeInstallation(given), await makeInstallation(given)];
    installations.push(one, other);
    const first = await one.start();
    root = await bootstrap(one.dataDir, visitorOf(first), account);
    await shareKeys(one.dataDir, other.dataDir);
    servers.push(first, await other.start());
  });
  afterAll(async () => {
    for (const installation of installations) await installation[Symbol.asyncDispose]();
    await database.drop();
  });

  const at = (index: number): GatehouseProcess => {
    const server = servers[index];
    if (server === undefined) throw new TypeError("not started");
    return server;
  };
  const administrator = (index: number) => clientOf(at(index), root.tokens.accessToken);

  async function logIn(index: number, shown: { clientId: string; clientSecret: string }) {
    const { outcome } = await visitorOf(at(index)).auth.login({ ...account, ...shown });
    if (outcome.case !== "tokens") throw new Error("Login answered no tokens");
    return outcome.value;
  }

  const refusal = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      ({ reason }: { reason: string }) => reason,
    );

  /** How long it is still let in, or refused for another reason. */
  const refusedAfter = (reason: string, ask: () => Promise<unknown>) => lastOtherwise(() => refusal(ask()), reason);

  it("TOK-08 F-01 is dead at the other process within a second, session, token and secret, and stays so", async () => {
    await administrator(0).clients.createClient({ clientId: "till", confidential: true, settings });
    const { secret: clientSecret } = await administrator(0).clients.createClientSecret({ clientId: "till" });
    const shown = { clientId: "till", clientSecret };
    const { accessToken, refreshToken, scopes, audience } = await logIn(0, shown);
    expect({ scopes, audience }).toEqual({ scopes: ["secrets.read"], audience: "gatehouse" });
    // Given here, taken there.
    expect(await clientOf(at(1), accessToken).auth.whoAmI({})).toMatchObject({ clientId: "till" });
    expect(await refusal(clientOf(at(1), accessToken).secrets.putSecret({ path: "a", value: Buffer.from("b") }))).toBe(
      "SCOPE_MISSING",
    );
    await visitorOf(at(1)).tokens.refresh({ refreshToken, ...shown });

    await administrator(0).clients.updateClient({ clientId: "till", settings: { disabled: true } });
    expect(await refusal(clientOf(at(0), accessToken).auth.whoAmI({}))).toBe("CREDENTIAL_INVALID");
    expect(await refusal(logIn(0, shown))).toBe("CLIENT_INVALID");
    const whoAmI = () => clientOf(at(1), accessToken).auth.whoAmI({});
    expect(await refusedAfter("CREDENTIAL_INVALID", whoAmI)).toBeLessThan(promiseMs);
    expect(await refusedAfter("CLIENT_INVALID", () => logIn(1, shown))).toBeLessThan(promiseMs);

    await administrator(1).clients.updateClient({
      clientId: "till",
      updateMask: { paths: ["disabled"] },
      settings: {},
    });
    const reborn = await logIn(1, shown);
    expect(await refusal(clientOf(at(1), reborn.accessToken).auth.whoAmI({}))).toBeUndefined();
    for (const index of [0, 1]) {
      expect(await refusal(clientOf(at(index), accessToken).auth.whoAmI({}))).toBe("CREDENTIAL_INVALID");
      expect((await administrator(index).tokens.introspect({ token: accessToken })).active).toBe(false);
    }
  });

  it("TOK-25 a revoked secret opens nothing at the other process after a second", async () => {
    await administrator(1).clients.createClient({ clientId: "safe", confidential: true, settings });
    const { secret, clientSecret } = await administrator(1).clients.createClientSecret({ clientId: "safe" });
    const shown = { clientId: "safe", clientSecret: secret };
    await logIn(1, shown);
    const secretId = clientSecret?.secretId ?? "";
    await administrator(1).clients.revokeClientSecret({ clientId: "safe", secretId });
    expect(await refusedAfter("CLIENT_INVALID", () => logIn(0, shown))).toBeLessThan(promiseMs);
  });

  it("CVE-2026-9802 what was disabled is dead after both are killed and started again", async () => {
    await administrator(0).clients.createClient({ clientId: "kiosk", settings });
    const { accessToken } = await logIn(0, { clientId: "kiosk", clientSecret: "" });
    await administrator(0).clients.updateClient({ clientId: "kiosk", settings: { disabled: true } });
    for (const index of [0, 1]) await at(index).kill();
    for (const [index, installation] of installations.entries()) servers[index] = await installation.start();
    for (const index of [0, 1]) {
      expect(await refusal(clientOf(at(index), accessToken).auth.whoAmI({}))).toBe("CREDENTIAL_INVALID");
    }
  });

  it("says nothing of secrets in what it writes", async () => {
    const { secret } = await administrator(0).clients.createClientSecret({ clientId: "safe" });
    await refusal(logIn(0, { clientId: "safe", clientSecret: `${secret}x` }));
    await logIn(0, { clientId: "safe", clientSecret: secret });
    const { stdout, stderr } = at(0).output();
    expect(stdout + stderr).not.toContain(secret);
    expect((await runGatehouse({ ...installations[0]?.environment }, ["policy"])).stdout).toContain("ClientService");
  });
});
