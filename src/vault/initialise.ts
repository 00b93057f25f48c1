// `gatehouse keys init --home vault`: puts mount, policy and login in place with an administrator's token. Whatever is
// there already and right is left alone, so it may be run again and again.
import { StartRefused } from "../kernel/start-refused.ts";
import { type AppRoleWish, initialiseAppRole } from "./initialise-approle.ts";
import { initialiseKubernetes, type KubernetesWish } from "./initialise-kubernetes.ts";
import { readMount } from "./mounts.ts";
import { policyName, policyText } from "./policy.ts";
import type { VaultClient } from "./ports.ts";

export interface InitialiseOptions {
  /** With an administrator's token. */
  readonly vault: VaultClient;
  readonly transitMount: string;
  /** Undefined = logins are somebody else's work. */
  readonly appRole?: AppRoleWish | undefined;
  readonly kubernetes?: KubernetesWish | undefined;
}

async function ensureTransit(vault: VaultClient, mount: string): Promise<string> {
  const found = await readMount(vault, `sys/mounts/${mount}`);
  if (found === undefined) {
    await vault.write(`sys/mounts/${mount}`, { type: "transit", description: "keys of Gatehouse" });
    return `mounted the Transit engine at ${mount}/`;
  }
  if (found.type === "transit") return `the Transit engine is mounted at ${mount}/`;
  throw new StartRefused(`${mount}/ in Vault is mounted with another engine: set GATEHOUSE_VAULT_TRANSIT_MOUNT`);
}

/** Otherwise whoever may encrypt may make keys by it. */
async function ensureNoUpsert(vault: VaultClient, mount: string): Promise<string> {
  const path = `${mount}/config/keys`;
  if ((await vault.read(path))?.disable_upsert === true) return `keys of ${mount}/ are not made by using them`;
  await vault.write(path, { disable_upsert: true });
  return `keys of ${mount}/ are no more made by using them (disable_upsert)`;
}

async function ensurePolicy(vault: VaultClient, mount: string): Promise<string> {
  const path = `sys/policies/acl/${policyName}`;
  const policy = policyText(mount);
  const found = (await vault.read(path))?.policy;
  if (found === policy) return `the policy ${policyName} is in place`;
  await vault.write(path, { policy });
  return found === undefined ? `wrote the policy ${policyName}` : `replaced the policy ${policyName}, which differed`;
}

/** Lines to print. Throws VaultUnavailable, VaultRefused or StartRefused; what was done by then stays. */
export async function initialiseVault(options: InitialiseOptions): Promise<readonly string[]> {
  const { vault, transitMount, appRole, kubernetes } = options;
  const lines = [
    await ensureTransit(vault, transitMount),
    await ensureNoUpsert(vault, transitMount),
    await ensurePolicy(vault, transitMount),
  ];
  if (appRole !== undefined) lines.push(...(await initialiseAppRole(vault, appRole)));
  if (kubernetes !== undefined) lines.push(...(await initialiseKubernetes(vault, kubernetes)));
  return lines;
}
