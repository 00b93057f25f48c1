// Opens the client of Vault where the settings ask for it, and says what hangs on it. Without it none of its code is loaded.
import type { Config } from "./config/schema.ts";
import { plaintextBeyondLoopback } from "./config/vault-contradictions.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Metrics } from "./kernel/metrics.ts";
import { StartRefused } from "./kernel/start-refused.ts";
import type { VaultLink } from "./keys/vault/open.ts";
import type { InitKeysOptions } from "./keys-command.ts";
import { vaultSettings } from "./settings.ts";
import type { OpenedVault, VaultSettings } from "./vault/open.ts";
import type { VaultClient } from "./vault/ports.ts";

export interface VaultLinkOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly cleanup: AsyncDisposableStack;
}

/** The contradictions of the settings ask this only of who serves with `keys=vault`. */
function requireAddress(config: Config): void {
  if (config.vaultAddress === undefined) throw new StartRefused("VAULT_ADDR is not set");
  if (plaintextBeyondLoopback(config))
    throw new StartRefused("VAULT_ADDR reaches beyond loopback in plaintext: use https://");
}

/** Undefined = keys live elsewhere. Throws StartRefused when Vault cannot be used: keys without a home would be no start. */
export async function openVaultLink(options: VaultLinkOptions): Promise<OpenedVault | undefined> {
  const { config, logger, metrics, cleanup } = options;
  if (config.keys !== "vault") return undefined;
  requireAddress(config);
  const [{ openVault }, { vaultMeters }] = await Promise.all([import("./vault/open.ts"), import("./vault/meters.ts")]);
  const vault = await openVault(vaultSettings(config), { logger, observe: vaultMeters(metrics) });
  cleanup.defer(() => vault.close());
  await vault.requireUsable();
  return vault;
}

/** Vault as the home of the keys. */
export function vaultKeyLink(config: Config, client: VaultClient): VaultLink {
  const { vaultTransitMount: transitMount, vaultTimeoutMs: deadlineMs } = config;
  return { client, transitMount, deadlineMs };
}

/** The token is the administrator's, whatever login Gatehouse itself is set to. */
function administrator(config: Config): VaultSettings {
  const { vaultToken, vaultTokenFile } = config;
  requireAddress(config);
  if (vaultToken === undefined && vaultTokenFile === undefined)
    throw new StartRefused("VAULT_TOKEN is not set: preparing Vault takes the token of one who administers it");
  return vaultSettings({ ...config, vaultAuth: "token" });
}

/** Throws StartRefused when it cannot be meant. */
function logins(wish: InitKeysOptions, { vaultAuthMount, vaultRole }: Config) {
  if (wish.approle === true && wish.kubernetes === true && vaultAuthMount !== undefined)
    throw new StartRefused(
      "GATEHOUSE_VAULT_AUTH_MOUNT is one mount: prepare AppRole and Kubernetes one after the other",
    );
  return {
    appRole:
      wish.approle === true ? { mount: vaultAuthMount ?? "approle", secretIdFile: wish.secretIdFile } : undefined,
    kubernetes:
      wish.kubernetes === true
        ? {
            mount: vaultAuthMount ?? "kubernetes",
            role: wish.role ?? vaultRole ?? "gatehouse",
            serviceAccounts: wish.serviceAccount ?? ["gatehouse"],
            namespaces: wish.namespace ?? [],
            audience: wish.audience ?? "vault",
            host: wish.kubernetesHost,
            caFile: wish.kubernetesCaFile,
          }
        : undefined,
  };
}

const silent = { debug: () => {}, info: () => {} };

/** For `gatehouse keys init`. Answers what was done, a line each. Throws StartRefused. */
export async function initialiseVaultHome(wish: InitKeysOptions, config: Config, logger: Logger): Promise<string> {
  const settings = administrator(config);
  const wished = logins(wish, config);
  const [{ openVault }, { initialiseVault }, { requireSound }, { vaultSentence }] = await Promise.all([
    import("./vault/open.ts"),
    import("./vault/initialise.ts"),
    import("./vault/initialise-kubernetes.ts"),
    import("./vault/sentences.ts"),
  ]);
  if (wished.kubernetes !== undefined) requireSound(wished.kubernetes);
  // What was done is printed; that it took a login goes without saying.
  const quiet = { ...silent, warn: logger.warn.bind(logger), error: logger.error.bind(logger) };
  const vault = await openVault(settings, { logger: quiet });
  const { vaultTransitMount: transitMount } = config;
  try {
    await vault.requireUsable();
    return (await initialiseVault({ vault, transitMount, ...wished })).join("\n");
  } catch (error) {
    const sentence = vaultSentence(error);
    throw sentence === undefined ? error : new StartRefused(`Vault at ${settings.address} ${sentence}`);
  } finally {
    await vault.close();
  }
}
