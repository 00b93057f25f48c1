// Runs Vault as a process of its own: a dev server that holds everything in memory, or a real one with storage and seal.
import { type ChildProcess, spawn } from "node:child_process";

export interface VaultProcess {
  readonly address: string;
  readonly ended: Promise<void>;
  /** Whatever it wrote, for when it does not start. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  readonly pid: number;
}

export interface LaunchOptions {
  readonly program: string;
  readonly words: readonly string[];
  readonly address: string;
}

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Listeners are open. A dev server is unsealed and mounted only when its last warning is out. */
const listening = /==> (Vault|OpenBao) server started!/;
const inDevMode = /Development mode should NOT be used in production/;

/** Nothing of the caller's environment reaches it, VAULT_* least of all. */
export async function launchVault({ program, words, address }: LaunchOptions): Promise<VaultProcess> {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(program, ["server", ...words], { stdio: ["ignore", "pipe", "pipe"], env: { PATH, HOME } });
  running.add(child);
  let said = "";
  const ready = Promise.withResolvers<void>();
  const hear = (text: string) => {
    said += text;
    if ((words.includes("-dev") ? inDevMode : listening).test(said)) ready.resolve();
  };
  child.stdout.setEncoding("utf8").on("data", hear);
  child.stderr.setEncoding("utf8").on("data", hear);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.once("error", ready.reject);
  void ended.then(() => {
    running.delete(child);
    ready.reject(new Error(`vault ended: ${said.slice(-2000)}`));
  });
  await ready.promise;
  return { address, ended, output: () => said, signal: (name) => void child.kill(name), pid: child.pid ?? 0 };
}

export interface DevVault extends VaultProcess {
  readonly rootToken: string;
}

export interface DevOptions {
  readonly program: string;
  readonly port: number;
  readonly rootToken: string;
  /** A directory of plugins, each to be had under its file's name. */
  readonly plugins?: string;
}

export async function launchDevVault({ program, port, rootToken, plugins }: DevOptions): Promise<DevVault> {
  const listen = `127.0.0.1:${port}`;
  const words = ["-dev", "-dev-no-store-token", `-dev-root-token-id=${rootToken}`, `-dev-listen-address=${listen}`];
  if (plugins !== undefined) words.push(`-dev-plugin-dir=${plugins}`);
  const vault = await launchVault({ program, words, address: `http://${listen}` });
  return { ...vault, rootToken };
}
