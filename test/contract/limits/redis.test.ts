// The contract of limits, shown for Redis; and what is Redis's own: its scripts, its password, its absence.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testCertificate, testKey } from "../../../clients/typescript/test/test-certificate.ts";
import { Secret } from "../../../src/kernel/secret.ts";
import { connectRedis, type RedisConnection } from "../../../src/redis/connection.ts";
import { createRedisLimitStore } from "../../../src/redis/limit-store.ts";
import type { LimitStore } from "../../../src/rpc/limits/ports.ts";
import { createFakeLogger } from "../../fakes/logger.ts";
import { startTestRedis, type TestRedis } from "../../fixtures/redis.ts";
import { limitStoreContract } from "./limit-store.ts";

let redis: TestRedis;
let connections: RedisConnection[];
let store: LimitStore;
let other: LimitStore;

const logger = createFakeLogger();
const connectionTo = (url: string, ca?: string) => connectRedis({ url: new Secret(url), ca, logger });

beforeAll(async () => {
  redis = await startTestRedis({ password: randomBytes(12).toString("hex") });
  connections = [await connectionTo(redis.url), await connectionTo(redis.url)];
  [store, other] = connections.map(createRedisLimitStore) as [LimitStore, LimitStore];
});

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await redis.stop();
});

limitStoreContract(() => ({ store, other }));

const one = { count: 1, perMs: 60_000 };
const now = new Date();
const take = (from: LimitStore, key = randomBytes(16)) => from.take(key, one, now, 1);
const unavailable = { reason: "LIMITS_UNAVAILABLE" };

/** Asks until it answers; the connection comes back by itself. */
async function untilAnswered(from: LimitStore): Promise<boolean> {
  for (;;) {
    const decision = await take(from).catch(() => undefined);
    if (decision !== undefined) return decision.allowed;
    await new Promise((resume) => setTimeout(resume, 10));
  }
}

describe("Redis", () => {
  it("counts on after the server has forgotten the script", async () => {
    const key = randomBytes(16);
    await take(store, key);
    await connections[0]!.send(["SCRIPT", "FLUSH"]);
    expect((await take(store, key)).allowed).toBe(false);
  });

  it("holds keys that say nothing and go away by themselves", async () => {
    const key = randomBytes(16);
    await take(store, key);
    const name = `gatehouse:limit:${key.toString("base64url")}`;
    const life = Number(await connections[0]!.send(["PTTL", name]));
    expect(life).toBeGreaterThan(60_000);
    expect(life).toBeLessThanOrEqual(120_000);
  });

  it("forgets soon what a clock far ahead has written, however often it is asked for", async () => {
    const key = randomBytes(16);
    const year = 365 * 86_400_000;
    await store.take(key, one, new Date(now.getTime() + year), 1);
    const name = `gatehouse:limit:${key.toString("base64url")}`;
    expect(Number(await connections[0]!.send(["PTTL", name]))).toBeLessThanOrEqual(120_000);
    await connections[0]!.send(["PEXPIRE", name, "50000"]);
    for (let n = 0; n < 3; n++) expect((await take(store, key)).allowed).toBe(false);
    expect(Number(await connections[0]!.send(["PTTL", name]))).toBeLessThanOrEqual(50_000);
  });

  it("RPC-11 refuses within its time when the server stands still, and goes on when it moves again", async () => {
    await redis.halt();
    await expect(take(store)).rejects.toMatchObject(unavailable);
    redis.go();
    expect(await untilAnswered(store)).toBe(true);
  });

  it("RPC-11 keeps no more than a bounded number of questions for a server that stands still", async () => {
    await redis.halt();
    const asked = Array.from({ length: 5_000 }, () => take(store).catch((error: Error) => error));
    const refusals = (await Promise.all(asked)) as unknown as { reason: string; cause: Error }[];
    redis.go();
    expect(new Set(refusals.map(({ reason }) => reason))).toEqual(new Set(["LIMITS_UNAVAILABLE"]));
    const full = refusals.filter(({ cause }) => cause.message === "The queue is full");
    expect(full.length).toBeGreaterThan(800);
    expect(await untilAnswered(store)).toBe(true);
  });

  it("RPC-11 refuses at once when the server is gone, and counts again when it is back", async () => {
    await redis.kill();
    await expect(take(store)).rejects.toMatchObject(unavailable);
    await expect(take(other)).rejects.toMatchObject(unavailable);
    await redis.restart();
    expect(await untilAnswered(store)).toBe(true);
    expect(logger.lines.map(({ message }) => message)).toContain("redis is back");
  });

  it("refuses with a wrong password, and says so without it", async () => {
    const connection = await connectionTo(`redis://:not-the-password@127.0.0.1:${redis.port}`);
    try {
      await expect(take(createRedisLimitStore(connection))).rejects.toMatchObject(unavailable);
      expect(
        JSON.stringify(logger.lines, (_, value) => (value instanceof Error ? String(value) : value)),
      ).not.toContain("not-the-password");
    } finally {
      await connection.close();
    }
  });
});

describe("Redis behind TLS", () => {
  let directory: string;
  let secure: TestRedis;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatehouse-redis-tls-"));
    const [certFile, keyFile] = [join(directory, "cert.pem"), join(directory, "key.pem")];
    await writeFile(certFile, testCertificate);
    await writeFile(keyFile, testKey, { mode: 0o600 });
    secure = await startTestRedis({ password: "p4ss", tls: { certFile, keyFile, caFile: certFile } });
  });
  afterAll(async () => {
    await secure.stop();
    await rm(directory, { recursive: true });
  });

  async function allowedBy(url: string, ca?: string): Promise<boolean | string> {
    const connection = await connectionTo(url, ca);
    try {
      return (await take(createRedisLimitStore(connection))).allowed;
    } catch (error) {
      return (error as { reason: string }).reason;
    } finally {
      await connection.close();
    }
  }

  it("T-04 is believed by a certificate of the authorities given, and by no other", async () => {
    expect(await allowedBy(secure.url, testCertificate)).toBe(true);
    expect(await allowedBy(secure.url)).toBe("LIMITS_UNAVAILABLE");
    expect(await allowedBy(secure.url.replace("127.0.0.1", "127.0.0.2"), testCertificate)).toBe("LIMITS_UNAVAILABLE");
  });

  it("T-04 is not spoken to in clear", async () => {
    expect(await allowedBy(secure.url.replace("rediss:", "redis:"))).toBe("LIMITS_UNAVAILABLE");
  });
});
