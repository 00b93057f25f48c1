// The reference of rows about calls: bare grpc-js, one unary method, answers of the size asked for; with one INSERT before each, where
// the row's answer waits for Postgres.
import { randomBytes, randomUUID } from "node:crypto";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import pg from "pg";
import { answerParent } from "../process.ts";
import type { PostgresJob } from "./postgres.ts";

export interface EchoQuestion {
  readonly answerBytes: number;
  /** Where each call inserts a row; undefined = it does nothing but answer. */
  readonly insert?: Pick<PostgresJob, "connection" | "poolSize"> | undefined;
}

export const echoPath = "/bench.Echo/Echo";
const identity = (bytes: Buffer): Buffer => bytes;
let answer: Buffer = Buffer.alloc(0);
let port: number | undefined;
let inserting: pg.Pool | undefined;

const row = randomBytes(700);
const schema = `
  create schema if not exists bench_echo;
  create table if not exists bench_echo.event (id uuid primary key, entry bytea not null);`;

async function openPool({ connection, poolSize }: Pick<PostgresJob, "connection" | "poolSize">): Promise<pg.Pool> {
  const pool = new pg.Pool({ ...connection, max: poolSize });
  pool.on("error", () => {});
  await pool.query(schema);
  return pool;
}

function echo(_: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void {
  if (inserting === undefined) {
    callback(null, answer);
    return;
  }
  const statement = {
    name: "e",
    text: "insert into bench_echo.event (id, entry) values ($1, $2)",
    values: [randomUUID(), row],
  };
  inserting.query(statement).then(
    () => callback(null, answer),
    (error: Error) => callback(error),
  );
}

function listen(): Promise<number> {
  const server = new Server();
  const method = {
    path: echoPath,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
  server.addService({ echo: method }, { echo });
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
}

if (process.send !== undefined) {
  answerParent(async (question: EchoQuestion) => {
    port ??= await listen();
    if (question.insert === undefined) inserting = undefined;
    else inserting ??= await openPool(question.insert);
    answer = Buffer.alloc(question.answerBytes, 1);
    return port;
  });
}
