// `npm run vault:dev [-- --port 8200]`: a real Vault for development, prepared as `gatehouse keys init` does it, with the
// settings to use printed. Where VAULT_ADDR and VAULT_TOKEN are given, that Vault is prepared and none is started.
// `node tools/vault.ts find` prints where the program and its plugins are, and builds what is nowhere.
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Secret } from "../src/kernel/secret.ts";
import { initialiseVault } from "../src/vault/initialise.ts";
import { openVault } from "../src/vault/open.ts";
import { findVault, findVaultPlugins } from "./vault/binary.ts";
import { type DevVault, launchDevVault } from "./vault/server.ts";

const say = (line: string): void => console.error(line);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** The secret id lies where nothing commits it, under a name of its own: it dies with the dev server that made it. */
function newSecretIdFile(): string {
  const directory = join(process.cwd(), "build", "vault");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return join(directory, `secret-id-${randomBytes(4).toString("hex")}`);
}

async function prepare(address: string, token: string): Promise<readonly string[]> {
  const login = { method: "token", from: new Secret(token) } as const;
  const options = { address, caFile: undefined, namespace: process.env.VAULT_NAMESPACE, timeoutMs: 10_000, login };
  const vault = await openVault(options, { logger: quiet });
  try {
    await vault.requireUsable();
    const appRole = { mount: "approle", secretIdFile: newSecretIdFile() };
    return await initialiseVault({ vault, transitMount: "transit", appRole });
  } finally {
    await vault.close();
  }
}

async function develop(port: number): Promise<void> {
  const { VAULT_ADDR: given, VAULT_TOKEN: givenToken } = process.env;
  let started: DevVault | undefined;
  if (given === undefined || givenToken === undefined)
    started = await launchDevVault({
      program: findVault(say),
      port,
      rootToken: `dev-root-${randomBytes(16).toString("hex")}`,
    });
  const address = started?.address ?? given ?? "";
  const token = started?.rootToken ?? givenToken ?? "";
  for (const line of await prepare(address, token)) console.log(line);
  console.log("  GATEHOUSE_KEYS=vault");
  console.log(`  VAULT_ADDR=${address}`);
  if (started === undefined) return;
  console.log(`for Vault's own command: VAULT_ADDR=${address} VAULT_TOKEN=${token}`);
  console.log("it holds everything in memory, and ends with this command (Ctrl-C)");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => started.signal("SIGTERM"));
  await started.ended;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string", default: "8200" } },
});
if (positionals[0] === "find") console.log(`${findVault(say)}\n${findVaultPlugins(say)}`);
else if (positionals[0] === "dev") await develop(Number(values.port));
else throw new Error("say `dev` or `find`");
