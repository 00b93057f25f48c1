// Looks at what is mounted in Vault.
import { type VaultClient, type VaultData, VaultRefused } from "./ports.ts";

/** `path` of sys/mounts or sys/auth. Undefined = nothing is mounted there, which Vault calls a bad request. */
export async function readMount(vault: VaultClient, path: string): Promise<VaultData | undefined> {
  try {
    return await vault.read(path);
  } catch (error) {
    if (error instanceof VaultRefused && error.refusal === "wrong-mount") return undefined;
    throw error;
  }
}
