// What the logins that `gatehouse keys init` prepares have in common: the method at its mount, and a role that says what it should.
import { StartRefused } from "../kernel/start-refused.ts";
import { readMount } from "./mounts.ts";
import { policyName } from "./policy.ts";
import type { VaultClient, VaultData } from "./ports.ts";

/** An hour, renewed up to a day; then Gatehouse logs in anew. Taking a login away therefore ends it within a day. */
export const tokenOfLogin = { token_policies: [policyName], token_ttl: 3600, token_max_ttl: 86_400 };

export interface LoginMethod {
  readonly type: "approle" | "kubernetes";
  /** As it is printed. */
  readonly title: string;
}

export async function ensureLogin(vault: VaultClient, mount: string, { type, title }: LoginMethod): Promise<string> {
  const found = await readMount(vault, `sys/auth/${mount}`);
  if (found === undefined) {
    await vault.write(`sys/auth/${mount}`, { type });
    return `enabled ${title} at auth/${mount}/`;
  }
  if (found.type === type) return `${title} is enabled at auth/${mount}/`;
  throw new StartRefused(`auth/${mount}/ in Vault is another login: set GATEHOUSE_VAULT_AUTH_MOUNT`);
}

/** Vault leaves out what is empty, and lists are sets. */
function same(found: unknown, wanted: unknown): boolean {
  const plain = (value: unknown) => JSON.stringify(Array.isArray(value) ? value.toSorted() : (value ?? ""));
  return plain(found) === plain(wanted);
}

export async function ensureRole(vault: VaultClient, mount: string, role: string, content: VaultData): Promise<string> {
  const path = `auth/${mount}/role/${role}`;
  const found = await vault.read(path);
  if (found !== undefined && Object.entries(content).every(([name, value]) => same(found[name], value)))
    return `the role ${role} is in place`;
  await vault.write(path, content);
  return found === undefined ? `made the role ${role}` : `set the role ${role} right, which differed`;
}
