// Limits end to end: real servers, real stores, clients of both doors. What one replica counts the other knows.
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pause } from "../../../src/postgres/embedded/postmaster.ts";
import { certificateFiles, makeAuthority, makeLeaf } from "../../fixtures/certificates.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { startProxy } from "../../fixtures/postgres-proxy.ts";
import { startTestRedis, type TestRedis } from "../../fixtures/redis.ts";
import { databaseUrl } from "./database-url.ts";
import { type Environment, type GatehouseProcess, runGatehouse } from "./gatehouse-process.ts";
import { budget, guess, guessByGrpc, post, replicas, storm, tally } from "./guessing.ts";
import { type Installation, makeInstallation } from "./installation.ts";

/** So long that random bytes do not hold it by chance. */
const guessedName = "eve-of-the-guesses";

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

  it("CVE-2026-110861 RPC-11 T-02 PWD-12 let 32 clients guess exactly as often as the budget says, all together", async () => {
    expect(await storm(servers, guessedName)).toEqual({ LOGIN_FAILED: 10, RATE_LIMITED: 150 });
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
    // Ten times the budget of an account, and the ten that were let in before: the refusals of the guesses came after them.
    const { RATE_LIMITED: refused = 0 } = tally(seen.map(({ reason }) => reason));
    expect(refused).toBeGreaterThanOrEqual(110);
    expect((await guess(servers[0], "somebody-else", forged(999 % 255))).reason).toBe("RATE_LIMITED");
    expect((await guess(servers[1], "somebody-else", forged(7))).reason).toBe("RATE_LIMITED");
  });

  it("T-02 tell both doors when to come back", async () => {
    const { headers } = await guess(servers[0], guessedName);
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
    expect((await guess(servers[0], guessedName)).reason).toBe("RATE_LIMITED");
    expect(await guessByGrpc(servers[1], guessedName)).toBe("RATE_LIMITED");
  });

  it("RPC-11 count together from their first call on after an upgrade that brought the key of the counts", async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await database.asOwner("delete from data_key where purpose = 'limit-key'");
    servers = await Promise.all([one.start(), other.start()]);
    expect(await storm(servers, "mallory")).toMatchObject({ LOGIN_FAILED: 10, RATE_LIMITED: 150 });
  });

  it("P-05 keep no login name and no address in the store", async () => {
    const stored = (await rows()).map(({ key }) => key.toString("latin1")).join(" ");
    expect((await rows()).length > 0).toBe(kind === "postgres");
    for (const text of [guessedName, "127.0.0.1", "user-", "account"]) expect(stored).not.toContain(text);
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

describe("a server whose Redis speaks TLS", () => {
  it("T-04 counts there when its certificate is right, and else nobody logs in", async () => {
    await using files = await certificateFiles();
    const authority = await makeAuthority();
    const leaf = await makeLeaf(authority, { ips: ["127.0.0.1"], uses: ["server"] });
    const caFile = await files.write("ca.pem", authority.pem);
    const strangers = await files.write("strangers.pem", (await makeAuthority()).pem);
    const [certFile, keyFile] = [await files.write("redis.pem", leaf.pem), await files.write("redis.key", leaf.key)];
    const redis = await startTestRedis({ password: "p4ss-canary", tls: { certFile, keyFile, caFile } });
    await using installation = await makeInstallation({ ...budget, GATEHOUSE_REDIS_URL: redis.url });
    try {
      const reasonWith = async (given: Environment) => {
        const server = await installation.start(given);
        const { reason } = await guess(server, "eve");
        expect((await server.stop()).stderr).not.toContain("p4ss-canary");
        return reason;
      };
      expect(await reasonWith({ GATEHOUSE_REDIS_CA: caFile })).toBe("LOGIN_FAILED");
      expect(await reasonWith({ GATEHOUSE_REDIS_CA: strangers })).toBe("LIMITS_UNAVAILABLE");
      expect(await reasonWith({})).toBe("LIMITS_UNAVAILABLE");
      expect(await reasonWith({ GATEHOUSE_REDIS_URL: redis.url.replace("rediss:", "redis:") })).toBe(
        "LIMITS_UNAVAILABLE",
      );
    } finally {
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
      // All of the old budget is all of this one.
      await reload("GATEHOUSE_LIMIT_OVERRIDES=TokenService/GetJwks=4/12h");
      expect(await jwks()).toBe("RATE_LIMITED");
      await reload("GATEHOUSE_LIMIT_OVERRIDES=TokenService/GetJwks=10000/1s");
      expect([await jwks(), await jwks(), await jwks()]).toEqual(["OK", "OK", "OK"]);
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
