// The real command in a process of its own: started as an operator would, read, signalled by its id, never left behind.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { pause } from "../../../src/postgres/embedded/postmaster.ts";

export type Environment = Readonly<Record<string, string>>;

export interface Ended {
  /** 128 + the signal's number is not used: a process that a signal ended has no code. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GatehouseProcess {
  readonly pid: number;
  /** `host:port` or `unix:path`, as the line says that it prints when it is ready. */
  readonly address: string;
  /** The origin of the web door, or `unix:path`; the empty text when it is off. */
  readonly webAddress: string;
  readonly ended: Promise<Ended>;
  /** What it has written so far. */
  output(): { readonly stdout: string; readonly stderr: string };
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, and what came of it. */
  stop(): Promise<Ended>;
  /** SIGKILL: it learns of nothing. */
  kill(): Promise<Ended>;
}

const command = fileURLToPath(new URL("../../../bin/gatehouse", import.meta.url));
const longestMs = 50_000;
const running = new Set<ChildProcess>();
function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}
process.once("exit", killAll);
// In sessions of their own they hear nothing of a Ctrl-C.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(name, () => {
    killAll();
    process.kill(process.pid, name);
  });
}

/**
 * Nothing of the test's own environment reaches it but what every process needs. Its passwords stand back for nothing: beside the
 * rest of the suite, in one container with it, one took 20 s.
 */
function environment(given: Environment): NodeJS.ProcessEnv {
  const { PATH = "", HOME = "", TMPDIR } = process.env;
  const own = { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }) };
  return { ...own, GATEHOUSE_WEB_LISTEN: "127.0.0.1:0", GATEHOUSE_LOGIN_NICENESS: "0", ...given };
}

/** `prefix` = a command that runs it, with its arguments. */
function launch(given: Environment, words: readonly string[], prefix: readonly string[] = []) {
  const [file = command, ...rest] = [...prefix, command, ...words];
  // A session of its own, as a service manager gives it.
  const child = spawn(file, rest, { env: environment(given), stdio: ["ignore", "pipe", "pipe"], detached: true });
  running.add(child);
  const written = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    written.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    written.stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve({ code, signal, ...written });
    });
  });
  return { child, written, ended };
}

/** A command to its end; one that does not end is killed and has no code. */
export async function runGatehouse(
  given: Environment,
  words: readonly string[] = ["serve"],
  prefix: readonly string[] = [],
): Promise<Ended> {
  const { child, ended } = launch(given, words, prefix);
  const timer = setTimeout(() => child.kill("SIGKILL"), longestMs);
  return ended.finally(() => clearTimeout(timer));
}

/** Without waiting until it is ready. */
export function launchGatehouse(
  given: Environment,
  words: readonly string[] = ["serve"],
): Pick<GatehouseProcess, "kill" | "output"> {
  const { child, written, ended } = launch(given, words);
  return {
    output: () => ({ ...written }),
    kill: () => {
      child.kill("SIGKILL");
      return ended;
    },
  };
}

/** gRPC first, then the web door, if it is there. */
async function addressesOf(written: { readonly stdout: string }, over: () => boolean): Promise<readonly string[]> {
  for (;;) {
    const addresses = /^gatehouse: ready on (.+?), data in /m.exec(written.stdout)?.[1]?.split(", ") ?? [];
    if (addresses.length > 0 || over()) return addresses;
    await pause(5);
  }
}

export async function startGatehouse(given: Environment): Promise<GatehouseProcess> {
  const { child, written, ended } = launch(given, ["serve"]);
  const timer = setTimeout(() => child.kill("SIGKILL"), longestMs);
  const [address, webAddress = ""] = await addressesOf(written, () => !running.has(child)).finally(() =>
    clearTimeout(timer),
  );
  if (address === undefined) throw new Error(`gatehouse was not ready: ${JSON.stringify(await ended)}`);
  const signal = (name: NodeJS.Signals): void => void child.kill(name);
  const end = (name: NodeJS.Signals) => (): Promise<Ended> => {
    signal(name);
    return ended;
  };
  return {
    pid: child.pid ?? 0,
    address,
    webAddress,
    ended,
    output: () => ({ ...written }),
    signal,
    stop: end("SIGTERM"),
    kill: end("SIGKILL"),
  };
}
