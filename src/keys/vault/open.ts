// The `vault` key home: signing and wrapping keys in Transit, which they never leave. Nothing of them is kept here but names and
// public halves; without Vault there is no start, and later what needs a key waits for it to come back.
import { StartRefused } from "../../kernel/start-refused.ts";
import type { VaultClient } from "../../vault/ports.ts";
import type { KeyWrapper, SigningKeyHome } from "../ports.ts";
import type { BatchSettings } from "./batches.ts";
import { vaultKekId, wrappingKeyName } from "./names.ts";
import { createVaultSigningHome } from "./signing-home.ts";
import { createTransit, type Transit, type WantedKey } from "./transit.ts";
import { createVaultWrapper } from "./wrapper.ts";

/** Vault as this home needs it. */
export interface VaultLink extends BatchSettings {
  readonly client: VaultClient;
  readonly transitMount: string;
}

export interface VaultHomeDeps {
  readonly vault: VaultLink;
  readonly installationId: string;
  /** False when the database already holds keys wrapped by this home: a new Transit key could open none of them. */
  readonly mayCreate: boolean;
}

export interface VaultHome {
  readonly signing: SigningKeyHome;
  readonly wrapper: KeyWrapper;
}

/** Replicas that start together make the same one. */
async function ensureWrappingKey(transit: Transit, wanted: WantedKey, mayCreate: boolean): Promise<void> {
  if ((await transit.find(wanted)) !== undefined) return;
  if (!mayCreate) {
    throw new StartRefused(
      `the Transit key ${wanted.name} is missing in Vault, but the database holds data that it alone opens: restore it from a backup`,
    );
  }
  await transit.make(wanted);
}

/** Throws KeyHomeUnavailable, KeyHomeRefused or StartRefused. */
export async function openVaultHome({ vault, installationId, mayCreate }: VaultHomeDeps): Promise<VaultHome> {
  const { client, transitMount, ...batches } = vault;
  const transit = createTransit(client, transitMount);
  if (await transit.upserts()) {
    throw new StartRefused(
      `Vault makes keys of ${transitMount}/ by their use, also under a wrong name: \`gatehouse keys init --home vault\` ends that`,
    );
  }
  const name = wrappingKeyName(installationId);
  await ensureWrappingKey(transit, { name, type: "aes256-gcm96", derived: true }, mayCreate);
  const kekId = vaultKekId(installationId);
  return {
    signing: createVaultSigningHome({ installationId, transit, batches }),
    wrapper: createVaultWrapper({ installationId, kekId, name, transit, batches }),
  };
}
