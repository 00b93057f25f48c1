// The real server under attack, a client that behaves beside it, and what both are like afterwards.
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { GatehouseProcess } from "../integration/server/gatehouse-process.ts";
import {
  bootstrap,
  clientOf,
  type Installation,
  makeInstallation,
  visitorOf,
} from "../integration/server/installation.ts";

export interface Left {
  /** Bytes in use, of the heap and beside it, after a collection. */
  readonly used: number;
  readonly rss: number;
  /** TCP sockets: the doors' own and their callers'. The database's are Unix sockets, of which a pool opens one more when it needs one. */
  readonly sockets: number;
}

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** Where the attack comes from: each from an address of its own, since they are held against it for a while. */
  readonly from: string;
}

export interface Besieged extends AsyncDisposable {
  /** For one attack. */
  target(): Target;
  /** Runs an attack beside a client that behaves; throws when one call of that client failed. */
  during(attack: () => Promise<void>): Promise<{ readonly calls: number }>;
  left(): Promise<Left>;
  /** Lines of the log that tell of faults in the server itself. */
  faults(): readonly string[];
}

/**
 * Short, so that each is seen to be kept; everything else is the default. Local keys, because the server's TCP sockets are
 * counted, and connections to Vault come and go.
 */
const bounds = {
  GATEHOUSE_KEYS: "local",
  GATEHOUSE_CONNECTION_HANDSHAKE: "2s",
  GATEHOUSE_CONNECTION_FIRST_CALL: "3s",
  GATEHOUSE_REQUEST_TIMEOUT: "1s",
  GATEHOUSE_ANSWER_TIMEOUT: "1s",
  GATEHOUSE_MAX_CONNECTIONS_PER_ADDRESS: "60",
} as const;

const hook = fileURLToPath(new URL("memory-hook.ts", import.meta.url));

/** Of the sockets that a process holds, as the kernel names them. */
function inodesOf(pid: number): readonly string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(join(directory, name)))?.[1] ?? [];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

/** Of all TCP sockets, proc_pid_net(5): the tenth column. */
function tcpInodesOf(pid: number): ReadonlySet<string> {
  const lines = ["tcp", "tcp6"].flatMap((family) => readFileSync(`/proc/${pid}/net/${family}`, "utf8").split("\n"));
  return new Set(lines.map((line) => line.trim().split(/\s+/)[9] ?? ""));
}

function tcpSocketsOf(pid: number): number {
  const tcp = tcpInodesOf(pid);
  return inodesOf(pid).filter((inode) => tcp.has(inode)).length;
}

async function askHook(server: GatehouseProcess, file: string): Promise<Left> {
  rmSync(file, { force: true });
  server.signal("SIGUSR2");
  await expect.poll(() => existsSync(file), { timeout: 10_000, interval: 10 }).toBe(true);
  return { ...(JSON.parse(readFileSync(file, "utf8")) as Omit<Left, "sockets">), sockets: tcpSocketsOf(server.pid) };
}

interface Behaving {
  readonly calls: number;
  stop(): Promise<void>;
}

/** One call after the other, of the kind that everybody makes all day. */
function behave(server: GatehouseProcess, token: string): Behaving {
  const client = clientOf(server, token);
  let calls = 0;
  let stopped = false;
  async function run(): Promise<void> {
    while (!stopped) {
      await client.auth.whoAmI({});
      await client.tokens.introspect({ token });
      calls += 2;
    }
  }
  const running = run();
  // A failure is told by `stop`.
  running.catch(() => {});
  return {
    get calls() {
      return calls;
    },
    async stop() {
      stopped = true;
      await running.finally(() => client.close());
    },
  };
}

async function begin(installation: Installation): Promise<{ server: GatehouseProcess; token: string; file: string }> {
  const file = join(installation.scratch, "memory.json");
  const server = await installation.start({ NODE_OPTIONS: `--import ${hook}`, MEMORY_HOOK_FILE: file });
  const visitor = visitorOf(server);
  const { tokens } = await bootstrap(installation.dataDir, visitor);
  visitor.close();
  return { server, token: tokens.accessToken, file };
}

export async function besiege(): Promise<Besieged> {
  const installation = await makeInstallation(bounds);
  const { server, token, file } = await begin(installation);
  const [host = "", port = ""] = server.address.split(":");
  let attacks = 0;
  return {
    target() {
      attacks += 1;
      return { host, port: Number(port), token, from: `127.0.1.${attacks}` };
    },
    async during(attack) {
      const behaving = behave(server, token);
      try {
        await attack();
      } finally {
        await behaving.stop();
      }
      return { calls: behaving.calls };
    },
    left: () => askHook(server, file),
    faults() {
      const { stdout, stderr } = server.output();
      return `${stdout}${stderr}`.split("\n").filter((line) => line.includes("nobody caught"));
    },
    [Symbol.asyncDispose]: () => installation[Symbol.asyncDispose](),
  };
}
