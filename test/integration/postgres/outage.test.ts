// What callers see when PostgreSQL is cut off, slow, silent or full, and that everything recovers by itself.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Statement, Transaction } from "../../../src/kernel/database.ts";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { uuidv7 } from "../../../src/kernel/ids.ts";
import type { SharedEffect } from "../../../src/kernel/unit-of-work.ts";
import { connect } from "../../../src/postgres/connection.ts";
import { createPool, type Pool } from "../../../src/postgres/pool.ts";
import { createLoneWriter, createUnitOfWork } from "../../../src/postgres/unit-of-work.ts";
import { draftAt } from "../../fixtures/audit-draft.ts";
import { noAudit, startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { type Fault, type PostgresProxy, startProxy } from "../../fixtures/postgres-proxy.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";

const at = new Date("2026-11-21T10:00:00Z");
const insertThing: Statement = { name: "test.insert_thing", text: "insert into thing (id) values ($1)" };
const one: Statement = { name: "test.one", text: "select 1 as one" };
const sleep: Statement = { name: "test.sleep", text: "select pg_sleep($1)" };
const limit: Statement = { name: "test.limit", text: "select set_config('statement_timeout', $1, true)" };
/** The shortest of the times that are waited out here; what is not about one has this time, too, on a busy machine. */
const statementTimeoutMs = 2_000;
/** Of what takes an effect that nobody was told of. */
const patience = { timeout: 20_000 };

describe("an outage of the database", () => {
  let database: TestDatabase;
  let proxy: PostgresProxy;
  let pool: Pool;

  beforeAll(async () => {
    database = await startTestDatabase();
    await database.asOwner("create table thing (id uuid primary key); grant select, insert on thing to gatehouse_app");
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    await database.asOwner("truncate thing");
    const connection = database.connection("app");
    proxy = await startProxy(connection.host);
    pool = createPool({
      connection: { ...connection, host: proxy.host },
      logger: silentLogger,
      size: 2,
      connectTimeoutMs: 20_000,
      statementTimeoutMs,
    });
  });
  afterEach(async () => {
    await proxy.close();
    await pool.close();
  });

  const count = async (): Promise<number> => (await database.asOwner("select 1 from thing")).length;
  const commit = (work: (tx: Transaction) => Promise<unknown>): Promise<unknown> =>
    createUnitOfWork({ pool, audit: noAudit, onCommitted: () => {} }).commit(draftAt(at), work);
  const insert = (tx: Transaction): Promise<unknown> => tx.rows(insertThing, [uuidv7(at)]);
  const reasonOf = (running: Promise<unknown>): Promise<unknown> =>
    running.then(
      () => "nothing thrown",
      (error: unknown) => (error instanceof GatehouseError ? error.reason : error),
    );

  const cases: readonly (readonly [string, Fault, string, number])[] = [
    ["commit", "cut-after", "OUTCOME_UNKNOWN", 1],
    ["commit", "cut-before", "OUTCOME_UNKNOWN", 0],
    ["commit", "silent", "OUTCOME_UNKNOWN", 1],
    ["test.insert_thing", "cut-after", "DATABASE_UNAVAILABLE", 0],
    ["test.insert_thing", "cut-before", "DATABASE_UNAVAILABLE", 0],
    ["test.insert_thing", "silent", "DATABASE_UNAVAILABLE", 0],
  ];
  for (const [text, fault, reason, rows] of cases) {
    it(`DAT-09 DAT-10 answers ${reason} when the connection fails at "${text}" (${fault}), and works again at once`, async () => {
      proxy.failOn(text, fault);
      expect(await reasonOf(commit(insert))).toBe(reason);
      await expect.poll(count, patience).toBe(rows);
      expect(await commit(insert)).toEqual([]);
      expect(await count()).toBe(rows + 1);
    });
  }

  for (const [text, fault, reason, rows] of cases) {
    it(`DAT-09 DAT-10 answers ${reason} to all of a group when the connection fails at "${text}" (${fault})`, async () => {
      proxy.failOn(text, fault);
      const unit = createUnitOfWork({ pool, audit: noAudit, onCommitted: () => {} });
      const effect: SharedEffect<string, boolean> = {
        apply: (tx, ids) => Promise.all(ids.map(async (id) => (await tx.rows(insertThing, [id])).length === 0)),
      };
      const group = Array.from({ length: 3 }, () => reasonOf(unit.commitTogether(draftAt(at), effect, uuidv7(at))));
      expect(await Promise.all(group)).toEqual([reason, reason, reason]);
      await expect.poll(count, patience).toBe(3 * rows);
    });
  }

  it("DAT-09 a refusal that PostgreSQL answered is never an unknown outcome, even when the connection then dies", async () => {
    const audit = { ...noAudit, insert: async (tx: Pick<Transaction, "rows">) => void (await tx.rows(sleep, [5])) };
    const unit = createUnitOfWork({ pool, audit, onCommitted: () => {} });
    // Long before the pool itself would give up, and so not know.
    const limited = (tx: Transaction) => tx.rows(limit, ["200"]).then(() => insert(tx));
    expect(await reasonOf(unit.commit(draftAt(at), limited))).toBe("DATABASE_UNAVAILABLE");
    expect(await count()).toBe(0);
  });

  it("DAT-09 a lone write whose BEGIN and COMMIT left together is an unknown outcome, too", async () => {
    proxy.failOn("commit", "cut-after");
    expect(await reasonOf(createLoneWriter(pool).write(insertThing, [uuidv7(at)]))).toBe("OUTCOME_UNKNOWN");
    // The connection was cut at the answer to BEGIN.
    await expect.poll(count, patience).toBe(1);
  });

  it("DAT-10 a reader hears of a lost connection and the next one works", async () => {
    proxy.failOn("test.one", "cut-before");
    expect(await reasonOf(pool.rows(one, []))).toBe("DATABASE_UNAVAILABLE");
    expect(await pool.rows(one, [])).toEqual([{ one: 1 }]);
  });

  it("DAT-10 a server that answers nothing is given up on", async () => {
    proxy.failOn("test.one", "silent");
    expect(await reasonOf(pool.rows(one, []))).toBe("DATABASE_UNAVAILABLE");
    expect(await pool.rows(one, [])).toEqual([{ one: 1 }]);
  });

  it("DAT-10 a slow statement is ended by the server", async () => {
    expect(await reasonOf(pool.rows(sleep, [5]))).toBe("DATABASE_UNAVAILABLE");
    expect(await pool.rows(one, [])).toEqual([{ one: 1 }]);
  });

  it("DAT-10 an exhausted pool refuses after its time and does not hang", async () => {
    const small = createPool({
      connection: database.connection("app"),
      logger: silentLogger,
      size: 2,
      // Within which its connections are opened, too.
      connectTimeoutMs: 5_000,
    });
    const held = Promise.withResolvers<void>();
    const lent = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holders = lent.map((taken) =>
      small.lend(() => {
        taken.resolve();
        return held.promise;
      }),
    );
    await Promise.all(lent.map((taken) => taken.promise));
    expect(await reasonOf(small.rows(one, []))).toBe("DATABASE_UNAVAILABLE");
    held.resolve();
    await Promise.all(holders);
    expect(await small.rows(one, [])).toEqual([{ one: 1 }]);
    await small.close();
  });

  it("DAT-10 survives that the administrator ends its sessions, idle and busy", async () => {
    const terminate =
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = current_user and pid <> pg_backend_pid()";
    await pool.rows(one, []);
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const running = reasonOf(
      commit(async (tx) => {
        await insert(tx);
        begun.resolve();
        await ended.promise;
        await insert(tx);
      }),
    );
    await begun.promise;
    const administrator = await connect(database.connection("app"), 20_000);
    await administrator.query(terminate).finally(() => administrator.end());
    ended.resolve();
    expect(await running).toBe("DATABASE_UNAVAILABLE");
    expect(await count()).toBe(0);
    expect(await commit(insert)).toEqual([]);
  });

  it("DAT-10 a server that is not there is DATABASE_UNAVAILABLE", async () => {
    const absent = createPool({
      connection: { ...database.connection("app"), host: "/nonexistent" },
      logger: silentLogger,
      size: 1,
    });
    expect(await reasonOf(absent.rows(one, []))).toBe("DATABASE_UNAVAILABLE");
    await absent.close();
  });

  it("SEC-05 no error tells the password, the statement or a value", async () => {
    const wrong = { ...database.connection("app"), user: "gatehouse_owner" };
    const refused = createPool({ connection: wrong, logger: silentLogger, size: 1 });
    const error = (await refused.rows(one, []).catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toBe("the database does not answer, so nothing was done");
    expect(JSON.stringify(error)).not.toContain(wrong.password.expose());
    await refused.close();
    const values = (await pool
      .rows({ name: "test.leak", text: "select $1::integer" }, ["hunter2"])
      .catch((thrown: unknown) => thrown)) as Error;
    expect(values.message).toBe("internal error");
  });

  it("a value that cannot be encoded spoils nothing for the next use of the statement", async () => {
    const single = createPool({ connection: database.connection("app"), logger: silentLogger, size: 1 });
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const statement: Statement = { name: "test.echo", text: "select $1::text as echo" };
    expect(await single.rows(statement, ["a"])).toEqual([{ echo: "a" }]);
    expect(await reasonOf(single.rows(statement, [circular]))).toBe("INTERNAL");
    expect(await single.rows(statement, ["b"])).toEqual([{ echo: "b" }]);
    await single.close();
  });

  it("gives counters as numbers and refuses one beyond 2^53", async () => {
    const big = (value: string): Statement => ({ name: `test.big_${value}`, text: `select ${value}::bigint as big` });
    expect(await pool.rows(big("9007199254740991"), [])).toEqual([{ big: Number.MAX_SAFE_INTEGER }]);
    expect(await reasonOf(pool.rows(big("9007199254740993"), []))).toBe("INTERNAL");
  });
});
