// What the health of each service hangs on.
import type { Clock } from "./kernel/clock.ts";
import type { ServiceBinding } from "./kernel/handler.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Metrics } from "./kernel/metrics.ts";
import { createHealthMonitor, type Dependency, type HealthMonitor } from "./observability/health/monitor.ts";
import type { FeedTail } from "./postgres/feed.ts";
import type { HealthReporter } from "./rpc/health/service.ts";
import type { VaultWatch } from "./vault/watch.ts";

export interface HealthWatchDeps {
  readonly bindings: readonly ServiceBinding[];
  readonly health: Pick<HealthReporter, "set">;
  readonly feed: Pick<FeedTail, "age">;
  /** Undefined = no keys live there. */
  readonly vault: Pick<VaultWatch, "healthy"> | undefined;
  /** Beside the database. */
  readonly dependencies: readonly Dependency[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: { readonly metrics: Metrics };
}

/** The feed is read four times a second; one that was not read for this long has lost its database, or waits too long for it. */
const lostAfterMs = 3_000;

/** Health itself and reflection answer from memory. */
const needsNothing = /^grpc\./;

/** Sets every service for the first time, too. */
export function watchHealth(deps: HealthWatchDeps): HealthMonitor {
  const { bindings, health, feed, vault, clock, logger } = deps;
  const { metrics } = deps.telemetry;
  const names = bindings.map(({ service }) => service.typeName);
  for (const name of names.filter((one) => needsNothing.test(one))) health.set(name, "SERVING");
  metrics.gauge(
    { name: "gatehouse_feed_age_seconds", help: "Time since the feed of revocations was last read whole." },
    () => [[{}, feed.age(clock.now()) / 1000]],
  );
  return createHealthMonitor({
    dependencies: [
      { name: "postgres", needed: true, healthy: (now) => feed.age(now) < lostAfterMs },
      ...deps.dependencies,
      ...(vault === undefined ? [] : [{ name: "vault", needed: false, healthy: () => vault.healthy }]),
    ],
    services: ["", ...names.filter((one) => !needsNothing.test(one))],
    set: health.set,
    clock,
    logger,
    metrics,
  });
}
