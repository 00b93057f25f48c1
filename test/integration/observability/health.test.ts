// The database goes away under a server and comes back: health says so both times, and what needs no database goes on.
import { randomBytes } from "node:crypto";
import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "@gatehouse/proto/health/v1/health_pb.js";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { type EmbeddedServer, startEmbedded } from "../../../src/postgres/embedded/server.ts";
import { migrate } from "../../../src/postgres/migrate.ts";
import { startTestRedis } from "../../fixtures/redis.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";
import { databaseUrl } from "../server/database-url.ts";
import { type Installation, makeInstallation, visitorOf } from "../server/installation.ts";
import { startWatched, sumOf, until, type Watched } from "./scrape.ts";

let installation: Installation;
let database: EmbeddedServer | undefined;
let watched: Watched;

/** The server's socket may be elsewhere after each start; the link is where Gatehouse looks. */
async function startDatabase(): Promise<EmbeddedServer> {
  const dataDirectory = join(installation.scratch, "database");
  database = await startEmbedded({ dataDirectory, logger: silentLogger });
  const link = join(installation.scratch, "socket");
  await rm(link, { force: true });
  await symlink(database.connection("app").host, link);
  return database;
}

beforeAll(async () => {
  installation = await makeInstallation();
  await mkdir(installation.scratch, { recursive: true });
  const server = await startDatabase();
  await migrate({ connection: server.connection("owner"), clock: systemClock, logger: silentLogger });
  const connection = { ...server.connection("app"), host: join(installation.scratch, "socket") };
  watched = await startWatched(installation, {
    GATEHOUSE_DATABASE_URL: databaseUrl(connection),
    GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
  });
});
afterAll(async () => {
  await watched?.server.stop();
  await database?.stop();
  await installation[Symbol.asyncDispose]();
});

function health(service: string, { server } = watched): Promise<string | undefined> {
  const client = new Client(server.address, credentials.createInsecure());
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      (request: Buffer) => request,
      (bytes: Buffer) => fromBinary(HealthCheckResponseSchema, bytes),
      Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }))),
      (error, answer) => {
        client.close();
        resolve(error ? undefined : Status[answer?.status ?? 0]);
      },
    );
  });
}

const becomes = (service: string, wanted: string, of = watched) =>
  until(async () => ((await health(service, of)) === wanted ? wanted : undefined));

describe("RPC-02 health per dependency", () => {
  it("is lost with the database and back with it, while what needs none goes on", async () => {
    expect(await health("")).toBe("SERVING");
    expect(await health("gatehouse.dependency.postgres")).toBe("SERVING");
    await database?.stop();
    database = undefined;
    const began = performance.now();
    await becomes("", "NOT_SERVING");
    expect(performance.now() - began).toBeLessThan(15_000);
    for (const service of ["gatehouse.auth.v1.AuthService", "gatehouse.dependency.postgres"])
      expect(await health(service)).toBe("NOT_SERVING");
    expect(await health("grpc.health.v1.Health")).toBe("SERVING");
    const { keys } = await visitorOf(watched.server).tokens.getJwks({});
    expect(keys.length).toBeGreaterThan(0);
    expect(sumOf(await watched.scrape(), "gatehouse_dependency_up", ['"postgres"'])).toBe(0);

    await startDatabase();
    await becomes("", "SERVING");
    expect(await health("gatehouse.auth.v1.AuthService")).toBe("SERVING");
    const told = (text: string) => watched.server.output().stderr.split(text).length - 1;
    // The log comes by a pipe of its own, perhaps after the answers.
    await expect.poll(() => told("a dependency is back"), { timeout: 20_000 }).toBe(1);
    expect(told("a dependency is lost")).toBe(1);
  });

  it("shows the loss of Redis by itself, since most goes on without", async () => {
    const redis = await startTestRedis();
    await using own = await makeInstallation({ GATEHOUSE_REDIS_URL: redis.url });
    const counting = await startWatched(own);
    try {
      expect(await health("gatehouse.dependency.redis", counting)).toBe("SERVING");
      await redis.kill();
      await becomes("gatehouse.dependency.redis", "NOT_SERVING", counting);
      expect(await health("", counting)).toBe("SERVING");
      expect(sumOf(await counting.scrape(), "gatehouse_dependency_up", ['"redis"'])).toBe(0);
      await redis.restart();
      await becomes("gatehouse.dependency.redis", "SERVING", counting);
    } finally {
      await counting.server.stop();
      await redis.stop();
    }
  });
});
