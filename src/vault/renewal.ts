// When a token is renewed, and when it is given up for a new login: the rule of Vault's own Go client
// (api/lifetime_watcher.go), so that operators see the behaviour that they know.
import { randomInt } from "node:crypto";

/** Between 10 and 20 % of the lease, so that replicas which logged in together do not renew together. */
export function graceOf(leaseMs: number): number {
  const tenth = leaseMs / 10;
  return tenth + (tenth < 1 ? 0 : randomInt(Math.floor(tenth) + 1));
}

export type NextStep = { readonly step: "renew" | "log in"; readonly afterMs: number };

export interface Standing {
  readonly remainingMs: number;
  readonly graceMs: number;
  readonly renewable: boolean;
}

/** Two thirds of what remains and a third of the grace; once that would end within the grace, a new login. */
export function nextStep({ remainingMs, graceMs, renewable }: Standing): NextStep {
  const sleepMs = (remainingMs * 2) / 3 + graceMs / 3;
  const tight = remainingMs - sleepMs <= graceMs;
  if (renewable && !tight) return { step: "renew", afterMs: sleepMs };
  return { step: "log in", afterMs: Math.max(0, remainingMs - graceMs) };
}

const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

/** Doubling, half of it by chance. `failures` counts from one. */
export function pauseAfter(failures: number): number {
  const whole = Math.min(firstPauseMs * 2 ** Math.min(failures - 1, 10), longestPauseMs);
  return whole / 2 + randomInt(Math.floor(whole / 2) + 1);
}
