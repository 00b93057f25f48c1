// A real Vault for rows about it: the dev server, prepared as `gatehouse keys init` does it, with a token of the least policy.
import { randomBytes } from "node:crypto";
import { Secret } from "../src/kernel/secret.ts";
import { initialiseVault } from "../src/vault/initialise.ts";
import { openVault } from "../src/vault/open.ts";
import { policyName } from "../src/vault/policy.ts";
import { freePort } from "../tools/free-port.ts";
import { findVault } from "../tools/vault/binary.ts";
import { launchDevVault } from "../tools/vault/server.ts";

export interface BenchVault {
  readonly address: string;
  readonly token: string;
  stop(): Promise<void>;
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function startBenchVault(): Promise<BenchVault> {
  const rootToken = randomBytes(16).toString("hex");
  const server = await launchDevVault({ program: findVault(console.error), port: await freePort(), rootToken });
  const { address } = server;
  const login = { method: "token", from: new Secret(rootToken) } as const;
  const settings = { address, caFile: undefined, namespace: undefined, timeoutMs: 10_000, login };
  const administrator = await openVault(settings, { logger: silent });
  await initialiseVault({ vault: administrator, transitMount: "transit", appRole: undefined });
  await administrator.close();
  const answer = await fetch(`${address}/v1/auth/token/create-orphan`, {
    method: "POST",
    headers: { "x-vault-token": rootToken },
    body: JSON.stringify({ policies: [policyName], ttl: "24h" }),
  });
  const { auth } = (await answer.json()) as { readonly auth: { readonly client_token: string } };
  return {
    address,
    token: auth.client_token,
    async stop() {
      server.signal("SIGKILL");
      await server.ended;
    },
  };
}
