// The reference of rows about durable work: pg alone doing the same statements on the same server, no RPC, no keys, no rules.
import { randomBytes, randomUUID } from "node:crypto";
import pg from "pg";
import { answerParent } from "../process.ts";
import type { Sample } from "../row.ts";

export type PostgresWork = "update and insert" | "select and grouped insert" | "two inserts";

export interface PostgresJob {
  readonly work: PostgresWork;
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly user: string;
    readonly password: string;
  };
  readonly poolSize: number;
  readonly inFlight: number;
  readonly durationMs: number;
}

const schema = `
  drop schema if exists bench cascade; create schema bench;
  create table bench.item (id int primary key, number int not null, value bytea not null) with (fillfactor = 80);
  insert into bench.item select i, 1, decode(repeat('ab', 64), 'hex') from generate_series(1, 1000) i;
  create table bench.event (id uuid primary key, entry bytea not null);
  create table bench.version (id uuid primary key, item int not null, value bytea not null);`;

const entry = randomBytes(700);
const value = randomBytes(128);
let pool: pg.Pool | undefined;

async function open(job: PostgresJob): Promise<pg.Pool> {
  if (pool !== undefined) return pool;
  pool = new pg.Pool({ ...job.connection, max: job.poolSize });
  // The server restarts for rows about the process; idle connections then end, and nobody waits for them.
  pool.on("error", () => {});
  await pool.query(schema);
  return pool;
}

async function transaction(of: pg.Pool, statements: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await of.connect();
  try {
    await client.query("begin");
    await statements(client);
    await client.query("commit");
  } finally {
    client.release();
  }
}

function updateAndInsert(of: pg.Pool, slot: number): Promise<void> {
  return transaction(of, async (client) => {
    await client.query({
      name: "u",
      text: "update bench.item set number = number + 1 where id = $1 returning number, value",
      values: [slot + 1],
    });
    await client.query({
      name: "e",
      text: "insert into bench.event (id, entry) values ($1, $2)",
      values: [randomUUID(), entry],
    });
  });
}

function twoInserts(of: pg.Pool, slot: number): Promise<void> {
  return transaction(of, async (client) => {
    await client.query({
      name: "v",
      text: "insert into bench.version (id, item, value) values ($1, $2, $3)",
      values: [randomUUID(), slot, value],
    });
    await client.query({
      name: "e",
      text: "insert into bench.event (id, entry) values ($1, $2)",
      values: [randomUUID(), entry],
    });
  });
}

// Group commit as the design has it: two lanes of up to 32 rows, flushed at setImmediate and when a lane frees.
const waiting: (() => void)[] = [];
let lanes = 0;

function flush(of: pg.Pool): void {
  if (lanes >= 2 || waiting.length === 0) return;
  const group = waiting.splice(0, 32);
  lanes += 1;
  const ids = group.map(() => randomUUID());
  const entries = group.map(() => entry);
  void of
    .query({
      name: "g",
      text: "insert into bench.event (id, entry) select * from unnest($1::uuid[], $2::bytea[])",
      values: [ids, entries],
    })
    .then(() => {
      lanes -= 1;
      for (const settle of group) settle();
      flush(of);
    });
}

async function selectAndGroupedInsert(of: pg.Pool, slot: number): Promise<void> {
  await of.query({
    name: "s",
    text: "select number, value from bench.item where id = $1",
    values: [(slot % 1000) + 1],
  });
  await new Promise<void>((settle) => {
    waiting.push(settle);
    if (waiting.length === 1) setImmediate(flush, of);
  });
}

const works = {
  "update and insert": updateAndInsert,
  "select and grouped insert": selectAndGroupedInsert,
  "two inserts": twoInserts,
} as const;

async function run(job: PostgresJob): Promise<Sample> {
  const of = await open(job);
  const work = works[job.work];
  const took: number[] = [];
  const began = performance.now();
  const until = began + job.durationMs;
  await Promise.all(
    Array.from({ length: job.inFlight }, async (_, slot) => {
      while (performance.now() < until) {
        const at = performance.now();
        await work(of, slot);
        took.push(performance.now() - at);
      }
    }),
  );
  const sorted = Float64Array.from(took).sort();
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { rate: took.length / ((performance.now() - began) / 1000), p50Ms: at(0.5), p99Ms: at(0.99) };
}

answerParent(run);
