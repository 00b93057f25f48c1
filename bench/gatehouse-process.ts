// A Gatehouse under test: the real command in a process of its own, on the embedded default with limits off, so that rows
// measure work and not refusals.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface GatehouseProcess {
  readonly port: number;
  readonly pid: number;
  /** From spawning the process to its ready line. */
  readonly readyAfterMs: number;
  /** Resident bytes of the server's own process, without Postgres. */
  residentBytes(): number;
  stop(): Promise<void>;
}

const command = fileURLToPath(new URL("../bin/gatehouse", import.meta.url));

function environment(dataDir: string, more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, NODE_OPTIONS } = process.env;
  return {
    ...(PATH === undefined ? {} : { PATH }),
    ...(HOME === undefined ? {} : { HOME }),
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    // `NODE_OPTIONS=--cpu-prof npm run bench` shows where the server's time goes.
    ...(NODE_OPTIONS === undefined ? {} : { NODE_OPTIONS }),
    GATEHOUSE_DATA_DIR: dataDir,
    GATEHOUSE_GRPC_LISTEN: "127.0.0.1:0",
    // Counted, as an installation that is watched would be.
    GATEHOUSE_METRICS_LISTEN: "127.0.0.1:0",
    GATEHOUSE_WEB_LISTEN: "127.0.0.1:0",
    GATEHOUSE_LIMIT_LOGIN: "off",
    GATEHOUSE_LIMIT_TOKEN_CHECK: "off",
    GATEHOUSE_LIMIT_READ: "off",
    GATEHOUSE_LIMIT_WRITE: "off",
    ...more,
  };
}

function readyPort(child: ChildProcess, log: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code) =>
      reject(new Error(`gatehouse ended with ${code} before it was ready:\n${readFileSync(log, "utf8")}`)),
    );
    if (child.stdout === null) return reject(new Error("no stdout"));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const port = /ready on 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

/** `more` = settings beside those of every row. */
export async function startGatehouse(dataDir: string, more: NodeJS.ProcessEnv = {}): Promise<GatehouseProcess> {
  const began = performance.now();
  // Beside the data directory's own files, and gone with them; a start that fails is told with it.
  const log = join(dataDir, "bench-server.log");
  const stderr = openSync(log, "a", 0o600);
  const child = spawn(command, ["serve"], { env: environment(dataDir, more), stdio: ["ignore", "pipe", stderr] });
  closeSync(stderr);
  const port = await readyPort(child, log);
  const pid = child.pid ?? 0;
  return {
    port,
    pid,
    readyAfterMs: performance.now() - began,
    residentBytes: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024,
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGTERM");
      }),
  };
}
