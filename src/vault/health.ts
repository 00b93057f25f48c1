// What GET sys/health says. It needs no token, so it tells a sealed Vault from one that only refuses us.

import { startDeadline } from "./deadline.ts";
import type { VaultHealth } from "./ports.ts";
import type { VaultTransport } from "./transport.ts";

const path = "sys/health";

/** Of Vault and OpenBao. 472 is a disaster secondary, 474 a standby without an active node: neither serves. */
const meanings: ReadonlyMap<number, VaultHealth> = new Map([
  [200, "active"],
  [429, "standby"],
  [473, "standby"],
  [501, "uninitialised"],
  [503, "sealed"],
]);

export interface HealthDeps {
  readonly transport: VaultTransport;
  /** Vault answers from the root namespace only. */
  readonly timeoutMs: number;
}

/** Never throws. */
export function createHealthCheck({ transport, timeoutMs }: HealthDeps): () => Promise<VaultHealth> {
  const headers = { "x-vault-request": "true" };
  return async () => {
    using deadline = startDeadline(timeoutMs, path);
    try {
      const { status } = await transport.exchange({ method: "GET", path, headers }, deadline.signal);
      return meanings.get(status) ?? "unreachable";
    } catch {
      return "unreachable";
    }
  };
}
