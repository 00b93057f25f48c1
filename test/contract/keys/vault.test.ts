// The contract of key homes, shown for the one in a real Vault, under the least policy.
import { afterAll, beforeAll } from "vitest";
import { openVaultHome } from "../../../src/keys/vault/open.ts";
import { vaultStartMs } from "../../fixtures/vault/servers.ts";
import { startVaultWorld, type VaultWorld } from "../../integration/keys/vault-world.ts";
import { keyHomeContract } from "./key-home.ts";

let world: VaultWorld;
beforeAll(async () => {
  world = await startVaultWorld();
}, vaultStartMs);
afterAll(() => world?.stop());

function open(installationId: string) {
  return openVaultHome({ vault: world.link(), installationId, mayCreate: true });
}

keyHomeContract(
  () => open("018f0000-0000-7000-8000-000000000001"),
  () => open("018f0000-0000-7000-8000-000000000002"),
);
