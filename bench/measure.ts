// Ours and the reference take turns, because absolute rates drift; the ratio of a row is the median of its rounds' ratios.
import type { Measured, Pace, Sample } from "./row.ts";

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

type Side = (durationMs: number) => Promise<Sample>;

export async function alternate(pace: Pace, ours: Side, reference: Side): Promise<Measured> {
  await ours(pace.warmMs);
  await reference(pace.warmMs);
  const rounds: { ours: Sample; reference: Sample }[] = [];
  for (let round = 0; round < pace.rounds; round += 1) {
    rounds.push({ ours: await ours(pace.roundMs), reference: await reference(pace.roundMs) });
  }
  return {
    ours: median(rounds.map((round) => round.ours.rate)),
    reference: median(rounds.map((round) => round.reference.rate)),
    ratio: median(rounds.map((round) => round.ours.rate / round.reference.rate)),
    p50Ms: median(rounds.map((round) => round.ours.p50Ms)),
    p99Ms: median(rounds.map((round) => round.ours.p99Ms)),
  };
}
