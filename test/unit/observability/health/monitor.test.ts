// Health follows what the services stand on, both ways, and says so once.
import { describe, expect, it } from "vitest";
import { createHealthMonitor } from "../../../../src/observability/health/monitor.ts";
import { createLedger } from "../../../../src/observability/metrics/ledger.ts";
import { createFakeLogger } from "../../../fakes/logger.ts";

function watch() {
  const health = new Map<string, string>();
  const up = { postgres: true, vault: true, redis: true };
  const logger = createFakeLogger();
  const ledger = createLedger();
  const monitor = createHealthMonitor({
    dependencies: [
      { name: "postgres", needed: true, healthy: () => up.postgres },
      { name: "vault", needed: true, healthy: () => up.vault },
      { name: "redis", needed: false, healthy: () => up.redis },
    ],
    services: ["", "a.v1.A"],
    set: (service, state) => void health.set(service, state),
    clock: { now: () => new Date(0) },
    logger,
    metrics: ledger,
  });
  monitor.stop();
  return { health, up, logger, ledger, look: monitor.look };
}

describe("RPC-02 health", () => {
  it("is told at once, for every service and every dependency", () => {
    expect([...watch().health]).toEqual([
      ["gatehouse.dependency.postgres", "SERVING"],
      ["gatehouse.dependency.vault", "SERVING"],
      ["gatehouse.dependency.redis", "SERVING"],
      ["", "SERVING"],
      ["a.v1.A", "SERVING"],
    ]);
  });

  it("follows the loss of one dependency and its return, and logs each once", () => {
    const { health, up, logger, look } = watch();
    up.postgres = false;
    look();
    look();
    expect(Object.fromEntries(health)).toEqual({
      "": "NOT_SERVING",
      "a.v1.A": "NOT_SERVING",
      "gatehouse.dependency.postgres": "NOT_SERVING",
      "gatehouse.dependency.vault": "SERVING",
      "gatehouse.dependency.redis": "SERVING",
    });
    up.postgres = true;
    look();
    look();
    expect(new Set(health.values())).toEqual(new Set(["SERVING"]));
    expect(logger.lines.map(({ level, fields }) => [level, fields.dependency])).toEqual([
      ["error", "postgres"],
      ["warn", "postgres"],
    ]);
  });

  it("is not serving until the last of two lost dependencies is back", () => {
    const { health, up, look } = watch();
    up.postgres = false;
    up.vault = false;
    look();
    up.postgres = true;
    look();
    expect(health.get("")).toBe("NOT_SERVING");
    expect(health.get("gatehouse.dependency.postgres")).toBe("SERVING");
  });

  it("goes on without what is not needed, which shows by itself", () => {
    const { health, up, look, logger } = watch();
    up.redis = false;
    look();
    expect([...health].filter(([, state]) => state === "NOT_SERVING")).toEqual([
      ["gatehouse.dependency.redis", "NOT_SERVING"],
    ]);
    expect(logger.lines).toMatchObject([{ level: "error", fields: { dependency: "redis" } }]);
    up.redis = true;
    look();
    expect(new Set(health.values())).toEqual(new Set(["SERVING"]));
  });

  it("is a metric as well", () => {
    const { up, look, ledger } = watch();
    up.vault = false;
    look();
    expect(ledger.read()[0]?.series).toEqual([
      { labels: { dependency: "postgres" }, value: 1 },
      { labels: { dependency: "vault" }, value: 0 },
      { labels: { dependency: "redis" }, value: 1 },
    ]);
  });
});
