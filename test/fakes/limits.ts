// Limits as the chain has them, over counts in memory. Nothing is limited unless the test says so.
import { createHash } from "node:crypto";
import type { Logger } from "../../src/kernel/logger.ts";
import { type Metrics, noMetrics } from "../../src/kernel/metrics.ts";
import { type ConcurrencySettings, createConcurrency } from "../../src/rpc/limits/concurrency.ts";
import { createLimits } from "../../src/rpc/limits/limits.ts";
import type { LimitKey, LimitStore } from "../../src/rpc/limits/ports.ts";
import { createPressure, type PressureSettings } from "../../src/rpc/limits/pressure.ts";
import { type LimitSettings, noExtras, type Rates } from "../../src/rpc/limits/settings.ts";
import type { PolicyTable } from "../../src/rpc/policy.ts";
import { createFakeLimitStore } from "./limit-store.ts";

export const noRates: Rates = { login: "off", tokenCheck: "off", read: "off", write: "off" };

export const fakeLimitKey: LimitKey = (parts) =>
  createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 16);

export interface FakeLimitingOptions {
  readonly table: PolicyTable;
  readonly logger: Logger;
  readonly metrics?: Metrics | undefined;
  readonly store?: LimitStore | undefined;
  readonly settings?: Partial<LimitSettings>;
  readonly concurrency?: ConcurrencySettings | undefined;
  readonly pressure?: PressureSettings | undefined;
}

export function createFakeLimiting({ table, logger, ...options }: FakeLimitingOptions) {
  const { metrics = noMetrics, store = createFakeLimitStore() } = options;
  const settings = { rates: noRates, ...noExtras, ...options.settings };
  return {
    limits: createLimits({ table, settings, store, keyOf: fakeLimitKey, metrics, logger }),
    concurrency: createConcurrency(options.concurrency ?? { callsPerCaller: 1_000, streamsPerCaller: 1_000 }, metrics),
    pressure: createPressure(options.pressure ?? { lagMs: 250, maxRunning: 5_000 }),
  };
}
