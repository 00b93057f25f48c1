// The AppRole with which Gatehouse logs in to Vault, for `gatehouse keys init`.
import { open, rm } from "node:fs/promises";
import { StartRefused } from "../kernel/start-refused.ts";
import { readMount } from "./mounts.ts";
import { policyName } from "./policy.ts";
import { type VaultClient, VaultUnavailable } from "./ports.ts";

export interface AppRoleWish {
  readonly mount: string;
  /** Where a new secret id goes; an existing file is kept. */
  readonly secretIdFile: string | undefined;
}

const role = "gatehouse";
/** An hour, renewed up to a day; then Gatehouse logs in anew. Revoking the secret id therefore ends it within a day. */
const content = { token_policies: [policyName], token_ttl: 3600, token_max_ttl: 86_400, bind_secret_id: true };

async function ensureMount(vault: VaultClient, mount: string): Promise<string> {
  const found = await readMount(vault, `sys/auth/${mount}`);
  if (found === undefined) {
    await vault.write(`sys/auth/${mount}`, { type: "approle" });
    return `enabled AppRole at auth/${mount}/`;
  }
  if (found.type === "approle") return `AppRole is enabled at auth/${mount}/`;
  throw new StartRefused(`auth/${mount}/ in Vault is another login: set GATEHOUSE_VAULT_AUTH_MOUNT`);
}

async function ensureRole(vault: VaultClient, mount: string): Promise<string> {
  const path = `auth/${mount}/role/${role}`;
  const found = await vault.read(path);
  const same = Object.entries(content).every(
    ([name, value]) => JSON.stringify(found?.[name]) === JSON.stringify(value),
  );
  if (same) return `the role ${role} is in place`;
  await vault.write(path, content);
  return found === undefined ? `made the role ${role}` : `set the role ${role} right, which differed`;
}

function text(value: unknown, path: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new VaultUnavailable("answer", path);
}

async function roleId(vault: VaultClient, mount: string): Promise<string> {
  const path = `auth/${mount}/role/${role}/role-id`;
  return text((await vault.read(path))?.role_id, path);
}

/** The file first: a secret id that cannot be kept is not made. */
async function writeSecretId(vault: VaultClient, mount: string, file: string): Promise<string> {
  const handle = await open(file, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return undefined;
    throw new StartRefused(`cannot write ${file} (${error.code ?? "unknown"})`, { cause: error });
  });
  if (handle === undefined) return `kept the secret id in ${file}`;
  try {
    const path = `auth/${mount}/role/${role}/secret-id`;
    const { secret_id: secretId } = await vault.write(path, {});
    await handle.writeFile(`${text(secretId, path)}\n`);
    return `wrote a new secret id to ${file}`;
  } catch (error) {
    // An empty one would be kept by the next run.
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

export async function initialiseAppRole(
  vault: VaultClient,
  { mount, secretIdFile }: AppRoleWish,
): Promise<readonly string[]> {
  const lines = [await ensureMount(vault, mount), await ensureRole(vault, mount)];
  if (secretIdFile !== undefined) lines.push(await writeSecretId(vault, mount, secretIdFile));
  return [
    ...lines,
    "settings:",
    "  GATEHOUSE_VAULT_AUTH=approle",
    `  GATEHOUSE_VAULT_ROLE_ID=${await roleId(vault, mount)}`,
    ...(secretIdFile === undefined ? [] : [`  GATEHOUSE_VAULT_SECRET_ID_FILE=${secretIdFile}`]),
  ];
}
