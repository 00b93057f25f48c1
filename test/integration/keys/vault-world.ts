// A real Vault that was prepared as `gatehouse keys init` does it, and the product's own client with a token of the least policy.

import type { VaultLink } from "../../../src/keys/vault/open.ts";
import { makeToken } from "../../fixtures/vault/admin.ts";
import { patientMs, prepareVault } from "../../fixtures/vault/prepared.ts";
import { startVaultProxy, type VaultProxy } from "../../fixtures/vault/proxy.ts";
import { type SealableVault, startSealableVault } from "../../fixtures/vault/servers.ts";
import { openClient, type TestClient, tokenLogin } from "../vault/opened.ts";

export interface VaultWorld {
  readonly server: SealableVault;
  /** Between the client and Vault. */
  readonly proxy: VaultProxy;
  readonly client: TestClient;
  /** Sizes of the batches so far, in order. */
  readonly batches: readonly { readonly operation: string; readonly size: number }[];
  link(): VaultLink;
  /** As `keys init` wrote it. */
  restorePolicy(): Promise<void>;
  stop(): Promise<void>;
}

export async function startVaultWorld(deadlineMs = patientMs): Promise<VaultWorld> {
  const server = await startSealableVault();
  await prepareVault(server);
  const proxy = await startVaultProxy(server.address);
  const token = await makeToken(server.admin, { policies: ["gatehouse"] });
  const client = await openClient(proxy.address, tokenLogin(token), { timeoutMs: deadlineMs });
  const batches: { operation: string; size: number }[] = [];
  return {
    server,
    proxy,
    client,
    batches,
    link: () => ({
      client: client.vault,
      transitMount: "transit",
      deadlineMs,
      onBatch: (operation, size) => void batches.push({ operation, size }),
    }),
    restorePolicy: () => prepareVault(server),
    async stop() {
      await client.vault.close();
      await proxy.close();
      await server.stop();
    },
  };
}
