// Everything that rows share: the server under test, the references, and the load generator, each a process of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logins, readCredentials } from "../src/postgres/embedded/credentials.ts";
import { databaseName } from "../src/postgres/embedded/initialise.ts";
import { layoutOf } from "../src/postgres/embedded/layout.ts";
import { socketPort } from "../src/postgres/embedded/socket.ts";
import { type GatehouseProcess, startGatehouse } from "./gatehouse-process.ts";
import type { LoadJob, LoadResult } from "./load/job.ts";
import { type SideProcess, startSideProcess } from "./process.ts";
import type { HashJob } from "./reference/argon2.ts";
import { type EchoQuestion, echoPath } from "./reference/echo.ts";
import type { VerifyJob } from "./reference/jose-verify.ts";
import type { PostgresJob } from "./reference/postgres.ts";
import type { Sample } from "./row.ts";
import {
  bootstrap,
  type Caller,
  createCaller,
  createTokenMill,
  openSessions,
  type TokenMill,
  type Tokens,
} from "./setup.ts";

export interface System {
  readonly dataDir: string;
  readonly caller: Caller;
  readonly gatehouse: GatehouseProcess;
  /** Tokens of the administrator; refreshed by nobody. */
  readonly administrator: Tokens;
  /** Makes access tokens out of sessions of its own. */
  mill(): Promise<TokenMill>;
  load(job: Omit<LoadJob, "target">): Promise<LoadResult>;
  /** A second generator, for load beside the measured one. */
  background(job: Omit<LoadJob, "target">): Promise<LoadResult>;
  echo(answerBytes: number, job: Omit<LoadJob, "target" | "path">): Promise<LoadResult>;
  /** The same, with one INSERT before each answer. */
  insertAndEcho(answerBytes: number, job: Omit<LoadJob, "target" | "path">): Promise<LoadResult>;
  postgres(job: Omit<PostgresJob, "connection" | "poolSize">): Promise<Sample>;
  verify(job: VerifyJob): Promise<Sample>;
  hash(job: HashJob): Promise<Sample>;
  /** Stops the server; the data directory stays until `close`. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** As many connections as the server keeps by default. */
const poolSize = 10;
const millSessions = 32;

async function ownerConnection(dataDir: string): Promise<PostgresJob["connection"]> {
  const layout = layoutOf(dataDir);
  const { owner } = await readCredentials(layout.credentials);
  return {
    host: layout.cluster,
    port: socketPort,
    database: databaseName,
    user: logins.owner,
    password: owner.expose(),
  };
}

function lazily<Q, A>(module: string): { ask(question: Q): Promise<A>; stop(): void } {
  let side: SideProcess<Q, A> | undefined;
  return {
    ask(question) {
      side ??= startSideProcess<Q, A>(module);
      return side.ask(question);
    },
    stop: () => side?.stop(),
  };
}

function requireAllAnswered(result: LoadResult): LoadResult {
  if (result.failed > 0) throw new Error(`${result.failed} calls failed beside ${result.answered} answered ones`);
  return result;
}

/** `more` = settings of the server beside those of every row. */
export async function startSystem(more: NodeJS.ProcessEnv = {}): Promise<System> {
  const dataDir = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  let gatehouse = await startGatehouse(dataDir, more);
  let caller = createCaller(gatehouse.port);
  const administrator = await bootstrap(caller, dataDir);
  const generator = lazily<LoadJob, LoadResult>("./load/worker.ts");
  const second = lazily<LoadJob, LoadResult>("./load/worker.ts");
  const echo = lazily<EchoQuestion, number>("./reference/echo.ts");
  const postgres = lazily<PostgresJob, Sample>("./reference/postgres.ts");
  const jose = lazily<VerifyJob, Sample>("./reference/jose-verify.ts");
  const argon2 = lazily<HashJob, Sample>("./reference/argon2.ts");
  let mill: Promise<TokenMill> | undefined;
  const target = () => ({ port: gatehouse.port });

  return {
    dataDir,
    administrator,
    get caller() {
      return caller;
    },
    get gatehouse() {
      return gatehouse;
    },
    mill() {
      mill ??= openSessions(caller, millSessions).then((sessions) => createTokenMill(caller, sessions));
      return mill;
    },
    load: async (job) => requireAllAnswered(await generator.ask({ ...job, target: target() })),
    background: (job) => second.ask({ ...job, target: target() }),
    async echo(answerBytes, job) {
      const port = await echo.ask({ answerBytes });
      return requireAllAnswered(await generator.ask({ ...job, path: echoPath, target: { port } }));
    },
    async insertAndEcho(answerBytes, job) {
      const insert = { connection: await ownerConnection(dataDir), poolSize };
      const port = await echo.ask({ answerBytes, insert });
      return requireAllAnswered(await generator.ask({ ...job, path: echoPath, target: { port } }));
    },
    postgres: async (job) => postgres.ask({ ...job, poolSize, connection: await ownerConnection(dataDir) }),
    verify: jose.ask,
    hash: argon2.ask,
    async restart() {
      caller.close();
      await gatehouse.stop();
      gatehouse = await startGatehouse(dataDir, more);
      caller = createCaller(gatehouse.port);
      mill = undefined;
    },
    async close() {
      for (const side of [generator, second, echo, postgres, jose, argon2]) side.stop();
      caller.close();
      await gatehouse.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
