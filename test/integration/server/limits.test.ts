// Limits end to end: real servers, real stores, clients of both doors. What one replica counts the other knows.
import { randomBytes } from "node:crypto";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pause } from "../../../src/postgres/embedded/postmaster.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { startProxy } from "../../fixtures/postgres-proxy.ts";
import { startTestRedis, type TestRedis } from "../../fixtures/redis.ts";
import { databaseUrl } from "./database-url.ts";
import { type Environment, type GatehouseProcess, runGatehouse } from "./gatehouse-process.ts";
import { type Installation, makeInstallation, visitorOf } from "./installation.ts";

/** Nothing comes back within the time of a test; hashing as cheap as it may be. */
const budget = {
  GATEHOUSE_LIMIT_LOGIN: "10/24h",
  GATEHOUSE_ARGON2_MEMORY_KIB: "19456",
  GATEHOUSE_ARGON2_ITERATIONS: "2",
};

interface Answer {
  readonly reason: string;
  readonly headers: Headers;
}

async function post(server: GatehouseProcess, method: string, body: object, headers: Record<string, string> = {}) {
  const answer = await fetch(`${server.webAddress}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const { details = [] } = (await answer.json()) as { details?: { debug?: { reason?: string }; value: string }[] };
  const info = details.map(({ value }) => Buffer.from(value, "base64").toString("latin1")).join(" ");
  const reason = answer.ok ? "OK" : (/\b[A-Z]+_[A-Z_]+[A-Z]\b/.exec(info)?.[0] ?? info);
  return { reason, headers: answer.headers } satisfies Answer;
}

function guess(server: GatehouseProcess, loginName: string, headers: Record<string, string> = {}): Promise<Answer> {
  return post(server, "gatehouse.auth.v1.AuthService/Login", { loginName, password: "a wrong password" }, headers);
}

async function guessByGrpc(server: GatehouseProcess, loginName: string): Promise<string> {
  const visitor = visitorOf(server);
  try {
    return await visitor.auth.login({ loginName, password: "a wrong password" }).then(
      () => "OK",
      (error: { reason: string }) => error.reason,
    );
  } finally {
    visitor.close();
  }
}

function tally(reasons: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

/** 32 clients, half at each server, half by each door, five guesses each. */
async function storm(
  servers: readonly GatehouseProcess[],
  loginName: string,
): Promise<Readonly<Record<string, number>>> {
  const client = async (n: number) => {
    const server = servers[n % servers.length];
    if (server === undefined) throw new Error("no server");
    const seen: string[] = [];
    for (let call = 0; call < 5; call++)
      seen.push(n % 4 < 2 ? (await guess(server, loginName)).reason : await guessByGrpc(server, loginName));
    return seen;
  };
  return tally((await Promise.all(Array.from({ length: 32 }, (_, n) => client(n)))).flat());
}

async function replicas(given: Environment) {
  const one = await makeInstallation(given);
  const other = await makeInstallation(given);
  const first = await one.start();
  await cp(join(one.dataDir, "keys"), join(other.dataDir, "keys"), { recursive: true });
  return { one, other, servers: [first, await other.start()] as const };
}

describe.each(["postgres", "redis"] as const)("two replicas that count in %s", (kind) => {
  let database: TestDatabase;
  let redis: TestRedis | undefined;
  let one: Installation;
  let other: Installation;
  let servers: readonly [GatehouseProcess, GatehouseProcess];

  beforeAll(async () => {
    database = await startTestDatabase();
    redis = kind === "redis" ? await startTestRedis({ password: randomBytes(12).toString("hex") }) : undefined;
    ({ one, other, servers } = await replicas({
      ...budget,
      GATEHOUSE_DATABASE_URL: databaseUrl(database.connection("app")),
      GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
      ...(redis === undefined ? {} : { GATEHOUSE_REDIS_URL: redis.url }),
    }));
  });
  afterAll(async () => {
    await one?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
    await redis?.stop();
    await database.drop();
  });

  const rows = () => database.asOwner<{ key: Buffer }>("select key from limit_cell");

  it("RPC-11 T-02 PWD-12 let 32 clients guess exactly as often as the budget says, all together", async () => {
    expect(await storm(servers, "eve")).toEqual({ LOGIN_FAILED: 10, RATE_LIMITED: 150 });
  });

  it("PWD-13 T-02 count on whatever address a caller claims to have", async () => {
    const forged = (n: number) => ({
      "x-forwarded-for": `203.0.113.${n}`,
      forwarded: `for=203.0.113.${n}`,
      "x-real-ip": `203.0.113.${n}`,
      "true-client-ip": `203.0.113.${n}`,
    });
    const seen = await Promise.all(
      Array.from({ length: 200 }, (_, n) => guess(servers[n % 2 === 0 ? 0 : 1], `user-${n}`, forged(n))),
    );
    // Ten times the budget of an account, and the ten that were let in before: the refusals for eve came after them.
    const { RATE_LIMITED: refused = 0 } = tally(seen.map(({ reason }) => reason));
    expect(refused).toBeGreaterThanOrEqual(110);
    expect((await guess(servers[0], "somebody-else", forged(999 % 255))).reason).toBe("RATE_LIMITED");
    expect((await guess(servers[1], "somebody-else", forged(7))).reason).toBe("RATE_LIMITED");
  });

  it("T-02 tell both doors when to come back", async () => {
    const { headers } = await guess(servers[0], "eve");
    const reset = Number(headers.get("x-ratelimit-reset"));
    expect(reset).toBeGreaterThan(0);
    expect(Object.fromEntries(headers)).toMatchObject({
      "x-ratelimit-limit": "100",
      "x-ratelimit-remaining": "0",
      "ratelimit-policy": '"login";q=100;w=86400',
      ratelimit: `"login";r=0;t=${reset}`,
    });
    expect(Math.abs(Number(headers.get("retry-after")) - reset)).toBeLessThanOrEqual(1);
  });

  it("RPC-11 count on after they have been killed and started again", async () => {
    await servers[0].kill();
    await servers[1].stop();
    servers = [await one.start(), await other.start()];
    expect((await guess(servers[0], "eve")).reason).toBe("RATE_LIMITED");
    expect(await guessByGrpc(servers[1], "eve")).toBe("RATE_LIMITED");
  });

  it("P-05 keep no login name and no address in the store", async () => {
    const stored = (await rows()).map(({ key }) => key.toString("latin1")).join(" ");
    expect((await rows()).length > 0).toBe(kind === "postgres");
    expect(stored).not.toMatch(/eve|127\.0\.0\.1|user-|account/);
  });
});

describe("a server whose Redis goes away", () => {
  it("RPC-11 closes logins, keeps reads open, and recovers by itself", async () => {
    const redis = await startTestRedis();
    const installation = await makeInstallation({ ...budget, GATEHOUSE_REDIS_URL: redis.url });
    try {
      const server = await installation.start();
      expect((await guess(server, "eve")).reason).toBe("LOGIN_FAILED");
      await redis.kill();
      expect((await guess(server, "eve")).reason).toBe("LIMITS_UNAVAILABLE");
      expect(await guessByGrpc(server, "bob")).toBe("LIMITS_UNAVAILABLE");
      expect((await post(server, "gatehouse.token.v1.TokenService/GetJwks", {})).reason).toBe("OK");
      await redis.restart();
      let reason = "LIMITS_UNAVAILABLE";
      while (reason === "LIMITS_UNAVAILABLE") {
        await pause(20);
        ({ reason } = await guess(server, "bob"));
      }
      expect(reason).toBe("LOGIN_FAILED");
    } finally {
      await installation[Symbol.asyncDispose]();
      await redis.stop();
    }
  });
});

describe("a server whose Postgres goes away", () => {
  it("RPC-11 closes logins and keeps reads open", async () => {
    const database = await startTestDatabase();
    const { host } = database.connection("app");
    const proxy = await startProxy(host);
    const installation = await makeInstallation({
      ...budget,
      GATEHOUSE_DATABASE_URL: databaseUrl({ ...database.connection("app"), host: proxy.host }),
      GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
    });
    try {
      const server = await installation.start();
      expect((await guess(server, "eve")).reason).toBe("LOGIN_FAILED");
      await proxy.close();
      expect((await guess(server, "eve")).reason).toBe("LIMITS_UNAVAILABLE");
      expect((await post(server, "gatehouse.token.v1.TokenService/GetJwks", {})).reason).toBe("OK");
    } finally {
      await installation[Symbol.asyncDispose]();
      await database.drop();
    }
  });
});

describe("settings of limits", () => {
  it("T-02 a method's own budget, shadow mode and their reload", async () => {
    const installation = await makeInstallation();
    try {
      const file = join(installation.scratch, "gatehouse.env");
      const write = (text: string) => writeFile(file, `${text}\n`);
      await write("GATEHOUSE_LIMIT_OVERRIDES=TokenService/GetJwks=2/24h");
      const server = await installation.start({ GATEHOUSE_SETTINGS_FILE: file });
      const jwks = async () => (await post(server, "gatehouse.token.v1.TokenService/GetJwks", {})).reason;
      expect([await jwks(), await jwks(), await jwks()]).toEqual(["OK", "OK", "RATE_LIMITED"]);

      const reload = async (text: string) => {
        const before = server.output().stderr.length;
        await write(text);
        server.signal("SIGHUP");
        while (!/"reload/.test(server.output().stderr.slice(before))) await pause(5);
      };
      await reload("GATEHOUSE_LIMIT_OVERRIDES=TokenService/GetJwks=2/24h\nGATEHOUSE_LIMIT_SHADOW=read");
      expect(await jwks()).toBe("OK");
      await reload("GATEHOUSE_LIMIT_OVERRIDES=TokenService/NoSuch=2/24h");
      expect(server.output().stderr).toContain("GATEHOUSE_LIMIT_OVERRIDES names no method");
      expect(await jwks()).toBe("OK");
      await reload("GATEHOUSE_LIMIT_SHADOW=none");
      expect([await jwks(), await jwks(), await jwks()]).toEqual(["OK", "OK", "OK"]);
    } finally {
      await installation[Symbol.asyncDispose]();
    }
  });

  it.each([
    [
      { GATEHOUSE_LIMIT_OVERRIDES: "TokenService/NoSuch=1/1s" },
      "GATEHOUSE_LIMIT_OVERRIDES names no method: TokenService/NoSuch",
    ],
    [{ GATEHOUSE_LIMIT_OVERRIDES: "Refresh=1/1s" }, "GATEHOUSE_LIMIT_OVERRIDES is not right: expected"],
    [{ GATEHOUSE_REDIS_URL: "redis://redis.example:6379" }, "GATEHOUSE_REDIS_URL reaches beyond loopback in plaintext"],
  ])("that make no sense stop the start: %j", async (wrong, sentence) => {
    const installation = await makeInstallation();
    try {
      const ended = await runGatehouse({ ...installation.environment, ...wrong });
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain(sentence);
    } finally {
      await installation[Symbol.asyncDispose]();
    }
  });

  it("RPC-11 a Redis that is not there keeps nobody from starting, and logins closed", async () => {
    const installation = await makeInstallation({ ...budget, GATEHOUSE_REDIS_URL: "redis://127.0.0.1:1" });
    try {
      const server = await installation.start();
      expect((await guess(server, "eve")).reason).toBe("LIMITS_UNAVAILABLE");
      expect((await post(server, "gatehouse.token.v1.TokenService/GetJwks", {})).reason).toBe("OK");
    } finally {
      await installation[Symbol.asyncDispose]();
    }
  });
});
