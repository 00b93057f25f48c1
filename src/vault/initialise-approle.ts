// The AppRole with which Gatehouse logs in to Vault, for `gatehouse keys init`.
import { open, rm } from "node:fs/promises";
import { StartRefused } from "../kernel/start-refused.ts";
import { ensureLogin, ensureRole, tokenOfLogin } from "./initialise-login.ts";
import { type VaultClient, VaultUnavailable } from "./ports.ts";

export interface AppRoleWish {
  readonly mount: string;
  /** Where a new secret id goes; an existing file is kept. */
  readonly secretIdFile: string | undefined;
}

const role = "gatehouse";
const content = { ...tokenOfLogin, bind_secret_id: true };

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
  const lines = [
    await ensureLogin(vault, mount, { type: "approle", title: "AppRole" }),
    await ensureRole(vault, mount, role, content),
  ];
  if (secretIdFile !== undefined) lines.push(await writeSecretId(vault, mount, secretIdFile));
  return [
    ...lines,
    "settings:",
    "  GATEHOUSE_VAULT_AUTH=approle",
    `  GATEHOUSE_VAULT_ROLE_ID=${await roleId(vault, mount)}`,
    ...(secretIdFile === undefined ? [] : [`  GATEHOUSE_VAULT_SECRET_ID_FILE=${secretIdFile}`]),
  ];
}
