// Every field of every method with what an attacker would send: refused with a reason or taken as data, never a fault of
// ours, never repeated, and nothing is changed by it that the method would not change.
import { readdir } from "node:fs/promises";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gatehouse } from "../../../clients/typescript/src/index.ts";
import { frame, grpcHeaders, pathOf, type RawAnswer, send } from "../../conformance/door.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { everyMethod, methodName } from "./called-by-descriptor.ts";
import { databaseUrl } from "./database-url.ts";
import type { GatehouseProcess } from "./gatehouse-process.ts";
import { hostileDocuments, hostileRequests, marker } from "./hostile-values.ts";
import {
  bootstrap,
  clientOf,
  type Installation,
  logIn,
  makeInstallation,
  quickHashing,
  visitorOf,
} from "./installation.ts";

/** Few enough that no bound on what runs at once turns them away. */
function batches<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / 20) }, (_, index) => all.slice(index * 20, index * 20 + 20));
}

const ours: ReadonlySet<number | undefined> = new Set([undefined, 2, 13, 15]);

describe("hostile values", () => {
  let database: TestDatabase;
  let installation: Installation;
  let server: GatehouseProcess;
  let client: Gatehouse;
  let visitor: Gatehouse;
  let grants: readonly string[];

  /** Whoever makes a secret owns it; nobody becomes an administrator. */
  const grantsNow = async () =>
    (await client.grants.listGrants({ pageSize: 500 })).grants
      .filter(({ role }) => role === "admin")
      .map(({ grantId }) => grantId);

  beforeAll(async () => {
    database = await startTestDatabase();
    installation = await makeInstallation({
      GATEHOUSE_DATABASE_URL: databaseUrl(database.connection("app")),
      GATEHOUSE_LOG_LEVEL: "debug",
      ...quickHashing,
    });
    server = await installation.start();
    visitor = visitorOf(server);
    const { tokens } = await bootstrap(installation.dataDir, visitor);
    client = clientOf(server, tokens.accessToken);
    grants = await grantsNow();
  });
  afterAll(async () => {
    await installation[Symbol.asyncDispose]();
    await database.drop();
  });

  /** A session of its own, since Logout is one of the methods. */
  async function authorization(): Promise<string> {
    const { tokens } = await logIn(visitor, { loginName: "ada", password: "correct horse battery staple" });
    return `Bearer ${tokens.accessToken}`;
  }

  it.each(everyMethod.map((method) => [methodName(method), method] as const))(
    "P-03 T-10 in every field of %s are refused or taken as data",
    async (_name, method) => {
      const headers = { ...grpcHeaders(pathOf(method)), authorization: await authorization() };
      const session = connect(`http://${server.address}`);
      session.on("error", () => {});
      const answers: RawAnswer[] = [];
      for (const some of batches([...hostileRequests(method)]))
        answers.push(...(await Promise.all(some.map((request) => send(session, headers, frame(request))))));
      session.destroy();
      expect(answers.filter(({ code }) => ours.has(code)).map(({ status }) => status)).toEqual([]);
      const refusals = answers.filter(({ code }) => code !== 0);
      expect(
        JSON.stringify(refusals.map(({ status, trailers, headers: head }) => [status, trailers, head])),
      ).not.toContain(marker);
    },
    60_000,
  );

  it.each(everyMethod.map((method) => [methodName(method), method] as const))(
    "DAT-07 T-10 as JSON for %s reach no prototype, and are refused without being repeated",
    async (_name, method) => {
      const headers = { authorization: await authorization(), "content-type": "application/json" };
      const tell = async (body: string) => {
        const answer = await fetch(`${server.webAddress}/${methodName(method)}`, { method: "POST", headers, body });
        const text = await answer.text();
        expect([body.slice(0, 80), answer.status]).not.toEqual([body.slice(0, 80), 500]);
        if (!answer.ok) expect(text).not.toContain(marker);
      };
      for (const some of batches(hostileDocuments(method))) await Promise.all(some.map(tell));
    },
    60_000,
  );

  it("P-04 T-10 leave the database, the grants and the process as they were", async () => {
    expect(await grantsNow()).toEqual(grants);
    expect((await client.auth.whoAmI({})).principalId).not.toBe("");
    expect((await readdir(tmpdir())).filter((name) => name.includes(marker))).toEqual([]);
  });

  it("AUD-10 T-10 make one line each in the log, which holds nothing of them", async () => {
    const { stderr } = server.output();
    const lines = stderr.split("\n").filter(Boolean);
    expect(lines.length).toBeGreaterThan(100);
    const read = lines.map((line) => JSON.parse(line) as { level: string });
    expect(read.filter(({ level }) => level === "error")).toEqual([]);
    expect(stderr).not.toContain(marker);
    expect(stderr).not.toContain("forged");
  });
});
