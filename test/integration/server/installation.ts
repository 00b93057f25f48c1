// An installation for one test file: a data directory of its own, and the command on it as often as the test wants.
import { readdir, readFile, readlink, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { createGatehouse, type Gatehouse, type Tokens, tokensOf } from "../../../clients/typescript/src/index.ts";
import { layoutOf } from "../../../src/postgres/embedded/layout.ts";
import { stopPostmaster } from "../../../src/postgres/embedded/postmaster.ts";
import { makeDataDirectory } from "../../fixtures/data-directory.ts";
import { keySettings } from "../../fixtures/key-home.ts";
import { type Environment, type GatehouseProcess, startGatehouse } from "./gatehouse-process.ts";

export interface Installation extends AsyncDisposable {
  /** Made by the first start. */
  readonly dataDir: string;
  /** Beside the data directory, for the test's own files. */
  readonly scratch: string;
  /** What the command is started with: this directory, a free port, and what the test gave. */
  readonly environment: Environment;
  start(more?: Environment): Promise<GatehouseProcess>;
}

export interface Account {
  readonly loginName: string;
  readonly password: string;
}

export interface Person extends Account {
  readonly principalId: string;
  readonly tokens: Tokens;
}

/** Processes of the database that lies below `dataDir`, by their working directory. */
export async function databaseProcesses(dataDir: string): Promise<readonly number[]> {
  const root = await realpath(dataDir).catch(() => dataDir);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")));
  return pids.map(Number).filter((_, index) => places[index]?.startsWith(join(root, "postgres")));
}

/**
 * Keys are in the home of the run, unless the test gives GATEHOUSE_KEYS. Its limits are off unless the test is about them: every
 * call comes from one address, and a machine that runs tests may be too busy for an event loop in time, so that lists are refused.
 */
export async function makeInstallation(more: Environment = {}): Promise<Installation> {
  const scratch = await makeDataDirectory("gatehouse-e2e-");
  const dataDir = join(scratch, "data");
  const started: GatehouseProcess[] = [];
  const environment = {
    GATEHOUSE_DATA_DIR: dataDir,
    GATEHOUSE_GRPC_LISTEN: "127.0.0.1:0",
    GATEHOUSE_LIMIT_LOGIN: "off",
    GATEHOUSE_OVERLOAD_LAG: "60s",
    ...(more.GATEHOUSE_KEYS === undefined ? keySettings() : {}),
    ...more,
  };
  return {
    dataDir,
    scratch,
    environment,
    start: async (again = {}) => {
      const process = await startGatehouse({ ...environment, ...again });
      started.push(process);
      return process;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(started.map((process) => process.stop()));
      // What a server that was killed left behind.
      await stopPostmaster(layoutOf(await realpath(dataDir).catch(() => dataDir)));
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

/** For servers whose hashing is not what a test is about: the cheapest that they take. */
export const quickHashing = { GATEHOUSE_ARGON2_MEMORY_KIB: "19456", GATEHOUSE_ARGON2_ITERATIONS: "2" } as const;

/** For clients whose deadline is not what a test is about: a password is hashed for seconds while other tests have the processors. */
export const patient = { deadlineMs: 20_000, retry: { maxAttempts: 1 } } as const;

export function visitorOf(process: GatehouseProcess): Gatehouse {
  return createGatehouse({ ...patient, address: process.address });
}

export function clientOf(process: GatehouseProcess, token: string): Gatehouse {
  return createGatehouse({ ...patient, address: process.address, credentials: token });
}

export const administratorAccount: Account = { loginName: "ada", password: "correct horse battery staple" };

export async function bootstrap(dataDir: string, visitor: Gatehouse, account = administratorAccount): Promise<Person> {
  const bootstrapToken = (await readFile(join(dataDir, "bootstrap-token"), "utf8")).trim();
  const { principalId, tokens } = await visitor.auth.bootstrap({ ...account, bootstrapToken });
  if (tokens === undefined) throw new Error("Bootstrap answered no tokens");
  return { ...account, principalId, tokens: tokensOf(tokens) };
}

export async function logIn(visitor: Gatehouse, account: Account, deviceName = ""): Promise<Person> {
  const { loginName, password } = account;
  const { principalId, outcome } = await visitor.auth.login({ loginName, password, deviceName });
  if (outcome.case !== "tokens") throw new Error("Login answered no tokens");
  return { loginName, password, principalId, tokens: tokensOf(outcome.value) };
}

/** Registers and logs in, where registration is open. */
export async function register(visitor: Gatehouse, account: Account): Promise<Person> {
  await visitor.auth.register({ ...account });
  return logIn(visitor, account);
}
