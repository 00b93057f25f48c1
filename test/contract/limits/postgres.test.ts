// The contract of limits, shown for Postgres; and what is Postgres's own: its rows, its sweep, its absence.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPool, type Pool } from "../../../src/postgres/pool.ts";
import { createLoneWriter } from "../../../src/postgres/unit-of-work.ts";
import type { LimitStore } from "../../../src/rpc/limits/ports.ts";
import { createPostgresLimitStore, limitCellSweep } from "../../../src/rpc/limits/store.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";
import { limitStoreContract } from "./limit-store.ts";

let database: TestDatabase;
let otherPool: Pool;
let store: LimitStore;
let other: LimitStore;

beforeAll(async () => {
  database = await startTestDatabase();
  otherPool = createPool({ connection: database.connection("app"), logger: silentLogger, size: 8 });
  store = createPostgresLimitStore(database.writer);
  other = createPostgresLimitStore(createLoneWriter(otherPool));
});

afterAll(async () => {
  await otherPool.close();
  await database.drop();
});

limitStoreContract(() => ({ store, other }));

const one = { count: 1, perMs: 60_000 };
const minute = 60_000;
const noon = Date.UTC(2026, 10, 21, 12);
const at = (ms: number) => new Date(noon + ms);

async function kept(key: Buffer): Promise<boolean> {
  return (await database.asOwner("select 1 from limit_cell where key = $1", [key])).length > 0;
}

describe("Postgres", () => {
  it("is swept of what owes nothing, and of nothing else", async () => {
    const [paid, owing] = [randomBytes(16), randomBytes(16)];
    await store.take(paid, one, at(0), 1);
    await store.take(owing, one, at(2 * minute), 1);
    await limitCellSweep(database.writer).run(at(2 * minute));
    expect([await kept(paid), await kept(owing)]).toEqual([false, true]);
  });

  it("is swept of what a clock far ahead has written, so that nobody is locked out for long", async () => {
    const [far, near] = [randomBytes(16), randomBytes(16)];
    await store.take(far, one, at(365 * 86_400_000), 1);
    await store.take(near, one, at(2 * minute), 1);
    expect((await store.take(far, one, at(0), 1)).allowed).toBe(false);
    await limitCellSweep(database.writer).run(at(0));
    expect([await kept(far), await kept(near)]).toEqual([false, true]);
  });

  it("RPC-11 refuses with LIMITS_UNAVAILABLE when it cannot count", async () => {
    const nowhere = createPool({
      connection: { ...database.connection("app"), port: 1, host: "127.0.0.1" },
      logger: silentLogger,
      size: 1,
      connectTimeoutMs: 200,
    });
    const stranded = createPostgresLimitStore(createLoneWriter(nowhere));
    await expect(stranded.take(randomBytes(16), one, at(0), 1)).rejects.toMatchObject({
      reason: "LIMITS_UNAVAILABLE",
    });
    await nowhere.close();
  });

  it("keeps its counts without a write-ahead log", async () => {
    const rows = await database.asOwner<{ kind: string }>(
      "select relpersistence as kind from pg_catalog.pg_class where relname = 'limit_cell'",
    );
    expect(rows).toEqual([{ kind: "u" }]);
  });
});
