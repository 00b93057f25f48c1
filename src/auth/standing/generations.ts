// The generation of a principal: whatever was handed out under an older one is dead. Replicas hear that the standing changed, and
// guards, which know no standings, from which generation on tokens live.
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Generations } from "../../kernel/ports.ts";
import { announceStanding } from "../grant/change-access.ts";
import { raiseGeneration } from "./store.ts";

/** As long as the longest-lived access token that may be out, on the slowest clock. */
const longestTokenMs = 86_400_000 + 60_000;

/** `generation` is the one from which on tokens of the principal live. */
export function announceGeneration(tx: Transaction, principalId: string, generation: number, now: Date): void {
  announceStanding(tx, principalId, now);
  const expiresAt = new Date(now.getTime() + longestTokenMs);
  tx.announce({ kind: "subject", key: `${principalId}:${generation}`, expiresAt });
}

export const generations: Generations = {
  async raise(tx, principalId, now) {
    const generation = await raiseGeneration(tx, principalId);
    if (generation === undefined) throw new GatehouseError("PRINCIPAL_NOT_FOUND");
    announceGeneration(tx, principalId, generation, now);
    return generation;
  },
};
