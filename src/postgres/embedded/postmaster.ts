// PostgreSQL's main process: starting it, knowing it again, stopping it.
import { execFile, spawn } from "node:child_process";
import { open, readdir, readFile, readlink, rm, stat, truncate } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Binaries } from "./binaries.ts";
import type { Layout } from "./layout.ts";
import { dataArgument, type OsUser } from "./os-user.ts";
import { environment, identity } from "./run.ts";
import { settingArguments } from "./settings.ts";

export interface PidFile {
  readonly pid: number;
  /** PostgreSQL accepts connections. */
  readonly ready: boolean;
}

export interface StartPostmaster {
  readonly layout: Layout;
  readonly binaries: Binaries;
  readonly user: OsUser | undefined;
  readonly overrides: Readonly<Record<string, string>>;
}

const pollMs = 5;
const maxLogBytes = 4 * 1024 * 1024;
const statusLine = 7;

/** Undefined when no server runs here, or one that was killed left nothing readable. */
export async function readPidFile(layout: Layout): Promise<PidFile | undefined> {
  const text = await readFile(join(layout.cluster, "postmaster.pid"), "utf8").catch(() => "");
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  return { pid, ready: lines[statusLine]?.trim() === "ready" };
}

/**
 * Whether `pid` is the server of this very cluster, not a process that was given the number later: its working
 * directory is the cluster (Linux), or its arguments name it (elsewhere).
 */
export async function isOurPostmaster(pid: number, layout: Layout): Promise<boolean> {
  if (platform() === "linux") {
    return (await readlink(`/proc/${pid}/cwd`).catch(() => "")) === layout.cluster;
  }
  const { stdout } = await promisify(execFile)("ps", ["-o", "command=", "-p", String(pid)]).catch(() => ({
    stdout: "",
  }));
  return stdout.includes(`-D ${layout.cluster} `);
}

/** Whether any process works in the cluster: a backend may outlive its server for a moment. Linux only; elsewhere false. */
export async function isInhabited(layout: Layout): Promise<boolean> {
  if (platform() !== "linux") return false;
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")));
  return places.includes(layout.cluster);
}

/** What a server leaves behind when it is killed, and what the next one may take for a sign of life. */
export async function removeTraces(layout: Layout): Promise<void> {
  for (const name of ["postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"]) {
    await rm(join(layout.cluster, name), { force: true });
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}

async function openLog(path: string): Promise<Awaited<ReturnType<typeof open>>> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > maxLogBytes) await truncate(path);
  return open(path, "a", 0o600);
}

/**
 * Starts the server and waits until it accepts connections. False when it ended instead: another process was quicker, or
 * the log says why.
 */
export async function startPostmaster({ layout, binaries, user, overrides }: StartPostmaster): Promise<boolean> {
  const log = await openLog(layout.log);
  const child = spawn(
    binaries.postgres,
    ["-D", dataArgument(layout.cluster, user), ...settingArguments(overrides)],
    // A session of its own: Ctrl-C in the terminal reaches us and not it, and it outlives us until it is told to stop.
    { cwd: layout.cluster, env: environment, stdio: ["ignore", log.fd, log.fd], detached: true, ...identity(user) },
  );
  let ended = false;
  child.once("error", () => {
    ended = true;
  });
  child.once("exit", () => {
    ended = true;
  });
  child.unref();
  await log.close();
  while (!ended) {
    const file = await readPidFile(layout);
    if (file?.pid === child.pid && file?.ready) return true;
    await pause(pollMs);
  }
  return false;
}

/** Signals the server if it is ours, and answers its process id; undefined when there is none. */
async function signal(layout: Layout, name: NodeJS.Signals): Promise<number | undefined> {
  const file = await readPidFile(layout);
  if (file === undefined || !(await isOurPostmaster(file.pid, layout))) return undefined;
  try {
    process.kill(file.pid, name);
    return file.pid;
  } catch {
    return undefined;
  }
}

/** The process, not its file, which goes a moment earlier. */
async function gone(pid: number, layout: Layout, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    if (!(await isOurPostmaster(pid, layout))) return true;
    await pause(pollMs);
  }
  return false;
}

/** How long a server is waited for. */
export interface Patience {
  /** One that is starting, recovering or stopping gets this long before it is stopped and started anew. */
  readonly answerMs: number;
  /** Each way of stopping gets this long before the next, ruder one. */
  readonly stopMs: number;
}

export const usualPatience: Patience = { answerMs: 20_000, stopMs: 10_000 };

/**
 * Fast shutdown: transactions are undone, everything is on disk. Only when that does not end, ruder ones, after which the
 * next start recovers from the log. Nothing that was committed is lost either way.
 */
export async function stopPostmaster(layout: Layout, { stopMs }: Patience = usualPatience): Promise<void> {
  for (const name of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    const pid = await signal(layout, name);
    if (pid === undefined || (await gone(pid, layout, stopMs))) return;
  }
  throw new Error("the embedded Postgres does not stop");
}
