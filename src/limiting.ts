// Limits, put together from the settings: where shared budgets are counted, what each method draws on, how much may be under way.
import { readFile } from "node:fs/promises";
import type { Config } from "./config/schema.ts";
import type { Clock } from "./kernel/clock.ts";
import type { LoneWriter } from "./kernel/database.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Metrics } from "./kernel/metrics.ts";
import type { Macs } from "./kernel/sealing.ts";
import type { Secret } from "./kernel/secret.ts";
import { StartRefused } from "./kernel/start-refused.ts";
import type { Dependency } from "./observability/health/monitor.ts";
import type { ReloadPart } from "./reload.ts";
import { type Concurrency, createConcurrency } from "./rpc/limits/concurrency.ts";
import { createLimits, type Limits } from "./rpc/limits/limits.ts";
import type { LimitStore } from "./rpc/limits/ports.ts";
import { createPressure, type Pressure, watchEventLoop } from "./rpc/limits/pressure.ts";
import { createPostgresLimitStore } from "./rpc/limits/store.ts";
import type { PolicyTable } from "./rpc/policy.ts";
import { concurrencySettings, limitSettings, pressureSettings } from "./settings.ts";

export interface LimitingOptions {
  readonly config: Config;
  readonly writer: LoneWriter;
  readonly macs: Macs;
  readonly clock: Clock;
  readonly table: PolicyTable;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Takes what must be stopped at the end. */
  readonly cleanup: AsyncDisposableStack;
}

export interface Limiting {
  readonly limits: Limits;
  readonly concurrency: Concurrency;
  readonly pressure: Pressure;
  readonly reload: ReloadPart;
  /** What health is to show beside the database. */
  readonly dependencies: readonly Dependency[];
}

interface OpenStore {
  readonly store: LimitStore;
  readonly dependencies: readonly Dependency[];
}

async function readAuthorities(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw new StartRefused("GATEHOUSE_REDIS_CA points to a file that cannot be read", { cause });
  });
}

/** The library is loaded by those who have a Redis. */
async function openRedis(url: Secret<string>, { config, logger, cleanup }: LimitingOptions): Promise<OpenStore> {
  const ca = await readAuthorities(config.redisCa);
  const [{ connectRedis }, { createRedisLimitStore }] = await Promise.all([
    import("./redis/connection.ts"),
    import("./redis/limit-store.ts"),
  ]);
  const connection = await connectRedis({ url, ca, logger });
  cleanup.defer(() => connection.close());
  const dependency: Dependency = { name: "redis", needed: false, healthy: () => connection.ready };
  return { store: createRedisLimitStore(connection), dependencies: [dependency] };
}

function openStore(options: LimitingOptions): OpenStore | Promise<OpenStore> {
  const { redisUrl } = options.config;
  if (redisUrl !== undefined) return openRedis(redisUrl, options);
  return { store: createPostgresLimitStore(options.writer), dependencies: [] };
}

/** Half a hash: guessing a name by it is as hopeless, and rows are smaller. */
const keyBytes = 16;

/** Throws StartRefused when the settings do not fit the methods that are served. */
export async function openLimiting(options: LimitingOptions): Promise<Limiting> {
  const { config, macs, clock, table, metrics, logger, cleanup } = options;
  const { store, dependencies } = await openStore(options);
  const keyOf = (parts: readonly string[]) => macs.mac("limit-key", parts).value.subarray(0, keyBytes);
  const limits = createLimits({ table, settings: limitSettings(config), store, keyOf, metrics, logger });
  const concurrency = createConcurrency(concurrencySettings(config), metrics);
  const pressure = createPressure(pressureSettings(config));
  cleanup.defer(watchEventLoop(pressure, () => performance.now()));
  const reload: ReloadPart = {
    prepare(changed) {
      const settings = limitSettings(changed);
      limits.check(settings);
      return {
        changed: [],
        apply() {
          limits.update(settings, clock.now());
          concurrency.update(concurrencySettings(changed));
          pressure.update(pressureSettings(changed));
        },
      };
    },
  };
  return { limits, concurrency, pressure, reload, dependencies };
}
