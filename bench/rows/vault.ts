// sign-vault and issue-vault: signatures by a real Vault, coalesced as the product does it, beside the same signatures one a
// call; and tokens of a server whose keys are there, end to end, beside one signature after the other.
import { issuePath, makeIssueBody } from "../machine.ts";
import { alternate } from "../measure.ts";
import { startSideProcess } from "../process.ts";
import type { VaultSignJob } from "../reference/vault-sign.ts";
import type { BenchRow, Pace, Sample } from "../row.ts";
import { type System, startSystem } from "../system.ts";
import { startBenchVault } from "../vault.ts";

const inFlight = 64;

async function runSign(_: System, pace: Pace) {
  const vault = await startBenchVault();
  const ours = startSideProcess<VaultSignJob, Sample>("./reference/vault-sign.ts");
  const reference = startSideProcess<VaultSignJob, Sample>("./reference/vault-sign.ts");
  const { address, token } = vault;
  try {
    return await alternate(
      pace,
      (durationMs) => ours.ask({ address, token, way: "coalesced", inFlight, durationMs }),
      (durationMs) => reference.ask({ address, token, way: "unbatched", inFlight, durationMs }),
    );
  } finally {
    ours.stop();
    reference.stop();
    await vault.stop();
  }
}

/** The reference signs through node-vault, one signature at a time, and does nothing else. */
async function runIssue(_: System, pace: Pace) {
  const { address, token, stop } = await startBenchVault();
  const system = await startSystem({ GATEHOUSE_KEYS: "vault", VAULT_ADDR: address, VAULT_TOKEN: token });
  const reference = startSideProcess<VaultSignJob, Sample>("./reference/vault-sign.ts");
  try {
    const bodies = [await makeIssueBody(system.caller, system.administrator.accessToken)];
    await reference.ask({ address, token, way: "coalesced", inFlight: 1, durationMs: 1 });
    return await alternate(
      pace,
      (durationMs) => system.load({ path: issuePath, bodies, connections: 4, inFlight, durationMs }),
      (durationMs) => reference.ask({ address, token, way: "one at a time", inFlight: 1, durationMs }),
    );
  } finally {
    reference.stop();
    await system.close();
    await stop();
  }
}

export const vaultRows: readonly BenchRow[] = [
  { name: "sign-vault", unit: "signatures/s", target: 4, better: "higher", run: runSign },
  { name: "issue-vault", unit: "calls/s", target: 3, better: "higher", run: runIssue },
];
