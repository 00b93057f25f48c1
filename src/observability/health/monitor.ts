// Keeps what grpc.health.v1 and /readyz say in step with what the services stand on, within a second or so, both ways.
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Metrics } from "../../kernel/metrics.ts";

export interface Dependency {
  /** Of a closed set: `postgres`, `redis`, `vault`. */
  readonly name: string;
  /** False = most goes on without it, so only what is asked about itself shows its loss. */
  readonly needed: boolean;
  /** From memory, without asking anybody: what keeps the dependency in use notices its loss. */
  healthy(now: Date): boolean;
}

export interface HealthMonitorDeps {
  readonly dependencies: readonly Dependency[];
  /** Services that are of no use without every dependency that is needed; the empty name is the server as a whole. */
  readonly services: readonly string[];
  readonly set: (service: string, health: "SERVING" | "NOT_SERVING") => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly intervalMs?: number;
}

export interface HealthMonitor {
  /** Looks once, now. */
  look(): void;
  stop(): void;
}

const defaultIntervalMs = 500;

/** Under its own name each dependency can be asked about as a service. */
function dependencyService(name: string): string {
  return `gatehouse.dependency.${name}`;
}

function lost(needed: boolean): string {
  return needed
    ? "a dependency is lost; what needs it is not serving"
    : "a dependency is lost; what needs it refuses, the rest goes on";
}

export function createHealthMonitor(deps: HealthMonitorDeps): HealthMonitor {
  const { dependencies, services, set, clock, logger, metrics, intervalMs = defaultIntervalMs } = deps;
  const known = new Map<string, boolean>();
  let serving: boolean | undefined;

  function note({ name, needed }: Dependency, healthy: boolean): void {
    if (known.get(name) === healthy) return;
    const first = !known.has(name);
    known.set(name, healthy);
    set(dependencyService(name), healthy ? "SERVING" : "NOT_SERVING");
    if (!healthy) logger.error({ dependency: name }, lost(needed));
    else if (!first) logger.warn({ dependency: name }, "a dependency is back");
  }

  function look(): void {
    const now = clock.now();
    for (const dependency of dependencies) note(dependency, dependency.healthy(now));
    const able = dependencies.every(({ name, needed }) => !needed || known.get(name) === true);
    if (able === serving) return;
    serving = able;
    for (const service of services) set(service, able ? "SERVING" : "NOT_SERVING");
  }

  metrics.gauge<"dependency">(
    { name: "gatehouse_dependency_up", help: "1 while a dependency answers, 0 while it does not." },
    () => [...known].map(([dependency, healthy]) => [{ dependency }, healthy ? 1 : 0]),
  );
  const timer = setInterval(look, intervalMs).unref();
  look();
  return { look, stop: () => clearInterval(timer) };
}
