// What a row of the table is.
import type { System } from "./system.ts";

export interface Sample {
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Measured {
  readonly ours: number;
  readonly reference: number;
  readonly ratio: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

export interface Pace {
  readonly warmMs: number;
  readonly roundMs: number;
  readonly rounds: number;
}

export interface BenchRow {
  readonly name: string;
  readonly unit: string;
  /** What the ratio must reach. */
  readonly target: number;
  readonly better: "higher" | "lower";
  readonly run: (system: System, pace: Pace) => Promise<Measured>;
}
