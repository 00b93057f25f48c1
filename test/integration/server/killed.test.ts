// kill -9 in the middle of writes: what was acknowledged is there after the next start, with its record, and nobody is
// refused a start or left behind.
import { randomInt } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Gatehouse, Tokens } from "../../../clients/typescript/src/index.ts";
import { tokensOf } from "../../../clients/typescript/src/index.ts";
import { Outcome } from "../../../gen/ts/gatehouse/audit/v1/audit_service_pb.js";
import { pause } from "../../../src/postgres/embedded/postmaster.ts";
import { type GatehouseProcess, launchGatehouse } from "./gatehouse-process.ts";
import {
  bootstrap,
  clientOf,
  databaseProcesses,
  type Installation,
  logIn,
  makeInstallation,
  quickHashing,
  visitorOf,
} from "./installation.ts";

const paths = ["loop/a", "loop/b", "loop/c", "loop/d"];
const devices = ["one", "two", "three"];

/** What the clients were told, and so must find again. */
interface Acknowledged {
  readonly puts: Map<string, Map<number, string>>;
  readonly refreshes: Map<string, { current: Tokens; readonly acknowledged: string[] }>;
}

/** Writes until the server is gone; two at a time on a path, each value told apart. */
async function putForEver(writer: Gatehouse, path: string, { puts }: Acknowledged): Promise<void> {
  const versions = puts.get(path) ?? new Map<number, string>();
  puts.set(path, versions);
  for (;;) {
    const values = [0, 1].map(() => `value ${randomInt(2 ** 47)}`);
    const answers = await Promise.allSettled(
      values.map((value) => writer.secrets.putSecret({ path, value: Buffer.from(value) })),
    );
    answers.forEach((answer, index) => {
      if (answer.status === "fulfilled") versions.set(answer.value.version?.version ?? 0, values[index] ?? "");
    });
    if (answers.some(({ status }) => status === "rejected")) return;
  }
}

/** One on every path, so that each has something to be found again however early the end comes. */
async function putOnce(writer: Gatehouse, { puts }: Acknowledged): Promise<void> {
  for (const path of paths) {
    const { version } = await writer.secrets.putSecret({ path, value: Buffer.from("the first") });
    puts.set(path, new Map([[version?.version ?? 0, "the first"]]));
  }
}

/** Refreshes until the server is gone; two honest racers each time, who must get the same successor. */
async function refreshForEver(visitor: Gatehouse, sessionId: string, { refreshes }: Acknowledged): Promise<void> {
  const session = refreshes.get(sessionId);
  if (session === undefined) throw new Error("no such session");
  for (;;) {
    const { refreshToken } = session.current;
    const answers = await Promise.allSettled([0, 1].map(() => visitor.tokens.refresh({ refreshToken })));
    const given = answers.flatMap((answer) =>
      answer.status === "fulfilled" && answer.value.tokens !== undefined ? [tokensOf(answer.value.tokens)] : [],
    );
    expect(new Set(given.map((tokens) => tokens.refreshToken)).size).toBeLessThanOrEqual(1);
    if (given[0] !== undefined) {
      session.current = given[0];
      session.acknowledged.push(given[0].refreshToken);
    }
    if (given.length < 2) return;
  }
}

async function eventsOf(auditor: Gatehouse, filter: object): Promise<number> {
  let count = 0;
  let pageToken = "";
  do {
    const page = await auditor.audit.queryEvents({ filter, pageSize: 500, pageToken });
    count += page.events.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return count;
}

async function requirePuts(reader: Gatehouse, { puts }: Acknowledged): Promise<number> {
  let seen = 0;
  for (const [path, versions] of puts) {
    for (const [version, value] of versions) {
      const answer = await reader.secrets.getSecret({ path, version });
      expect(Buffer.from(answer.value).toString()).toBe(value);
      seen += 1;
    }
    const filter = { resourceUid: path, event: "secret.written", outcome: Outcome.SUCCESS };
    const { versions: stored } = await reader.secrets.listSecretVersions({ path, pageSize: 1 });
    // As many records as versions: no write without its record, and no record of a write that is not there.
    expect(await eventsOf(reader, filter)).toBe(stored[0]?.version);
    expect(stored[0]?.version).toBeGreaterThanOrEqual(Math.max(0, ...versions.keys()));
  }
  return seen;
}

async function requireSessions(visitor: Gatehouse, auditor: Gatehouse, { refreshes }: Acknowledged): Promise<number> {
  let seen = 0;
  for (const [sessionId, session] of refreshes) {
    const filter = { sessionId, event: "token.refreshed", outcome: Outcome.SUCCESS };
    expect(await eventsOf(auditor, filter)).toBeGreaterThanOrEqual(session.acknowledged.length);
    seen += session.acknowledged.length;
    // The newest that the client has; it is the predecessor when the server was killed between commit and answer.
    const { tokens } = await visitor.tokens.refresh({ refreshToken: session.current.refreshToken });
    expect(tokens?.sessionId).toBe(sessionId);
    if (tokens !== undefined) session.current = tokensOf(tokens);
    session.acknowledged.push(session.current.refreshToken);
    const { active } = await auditor.tokens.introspect({ token: session.current.accessToken });
    expect(active).toBe(true);
  }
  return seen;
}

/** Some of a database's processes come and go by themselves. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

describe("a server that is killed", () => {
  let installation: Installation;

  beforeEach(async () => {
    installation = await makeInstallation({
      ...quickHashing,
      // A client that was answered nothing comes again with the predecessor, however long the next start takes.
      GATEHOUSE_REFRESH_GRACE: "300s",
    });
  });
  afterEach(() => installation[Symbol.asyncDispose]());

  async function loop(server: GatehouseProcess, token: string, told: Acknowledged, forMs: number): Promise<void> {
    const [writer, visitor] = [clientOf(server, token), visitorOf(server)];
    const loops = [
      ...paths.map((path) => putForEver(writer, path, told)),
      ...[...told.refreshes.keys()].map((sessionId) => refreshForEver(visitor, sessionId, told)),
    ];
    await pause(forMs);
    await server.kill();
    await Promise.all(loops);
    for (const client of [writer, visitor]) client.close();
  }

  it("AUD-06 in a loop of Put and Refresh keeps every acknowledged write and its record", {
    timeout: 120_000,
  }, async () => {
    let server = await installation.start();
    const account = await bootstrap(installation.dataDir, visitorOf(server));
    const sessions = await Promise.all(devices.map((device) => logIn(visitorOf(server), account, device)));
    const told: Acknowledged = {
      puts: new Map(),
      refreshes: new Map(sessions.map(({ tokens }) => [tokens.sessionId, { current: tokens, acknowledged: [] }])),
    };
    await putOnce(clientOf(server, account.tokens.accessToken), told);
    for (const round of [1, 2, 3]) {
      await loop(server, account.tokens.accessToken, told, randomInt(200, 900));
      expect((await databaseProcesses(installation.dataDir)).length).toBeGreaterThan(0);
      server = await installation.start();
      const auditor = clientOf(server, account.tokens.accessToken);
      expect({ round, puts: await requirePuts(auditor, told) }.puts).toBeGreaterThan(0);
      expect(await requireSessions(visitorOf(server), auditor, told)).toBeGreaterThan(0);
    }
    expect(await server.stop()).toMatchObject({ code: 0 });
    expect(await databaseProcesses(installation.dataDir)).toEqual([]);
  });

  it("together with its database keeps them too", { timeout: 60_000 }, async () => {
    const server = await installation.start();
    const account = await bootstrap(installation.dataDir, visitorOf(server));
    const told: Acknowledged = {
      puts: new Map(),
      refreshes: new Map([[account.tokens.sessionId, { current: account.tokens, acknowledged: [] }]]),
    };
    await putOnce(clientOf(server, account.tokens.accessToken), told);
    const running = loop(server, account.tokens.accessToken, told, 400);
    await pause(300);
    for (const pid of await databaseProcesses(installation.dataDir)) killIfThere(pid);
    await running;
    const again = await installation.start();
    const auditor = clientOf(again, account.tokens.accessToken);
    expect(await requirePuts(auditor, told)).toBeGreaterThan(0);
    expect(await requireSessions(visitorOf(again), auditor, told)).toBeGreaterThan(0);
  });

  it("at any moment of its first start is no obstacle to the next start", { timeout: 120_000 }, async () => {
    for (const afterMs of [50, 300, 500, 700, 900, 1_100]) {
      const first = launchGatehouse(installation.environment);
      await pause(afterMs + randomInt(100));
      await first.kill();
    }
    const server = await installation.start();
    const { tokens } = await bootstrap(installation.dataDir, visitorOf(server));
    await clientOf(server, tokens.accessToken).secrets.putSecret({ path: "after/all", value: Buffer.from("works") });
    expect(await server.stop()).toMatchObject({ code: 0 });
    expect(await databaseProcesses(installation.dataDir)).toEqual([]);
  });
});
