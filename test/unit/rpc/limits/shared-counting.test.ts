// Counting for all replicas: who is over its limit does not reach the store, and a store that fails is left alone for a moment.
import { describe, expect, it } from "vitest";
import { createLedger } from "../../../../src/observability/metrics/ledger.ts";
import { createLimitMeters } from "../../../../src/rpc/limits/meters.ts";
import type { Decision } from "../../../../src/rpc/limits/ports.ts";
import { createSharedCounting, storePauseMs } from "../../../../src/rpc/limits/shared-counting.ts";
import { createFakeLimitStore } from "../../../fakes/limit-store.ts";
import { fakeLimitKey } from "../../../fakes/limits.ts";
import { createFakeLogger } from "../../../fakes/logger.ts";

const three = { count: 3, perMs: 60_000 };
const noon = Date.UTC(2026, 10, 21, 12);

function start() {
  const store = createFakeLimitStore();
  const logger = createFakeLogger();
  const ledger = createLedger();
  const counting = createSharedCounting({ store, keyOf: fakeLimitKey, meters: createLimitMeters(ledger), logger });
  const take = async (ms: number, key = "eve"): Promise<Decision | string> => {
    try {
      return await counting.take("login/account", key, three, new Date(noon + ms));
    } catch (error) {
      return (error as { reason: string }).reason;
    }
  };
  const metric = (name: string) =>
    ledger.read().flatMap((one) => (one.name === name && one.kind === "counter" ? one.series : []))[0]?.value ?? 0;
  return { store, logger, counting, take, metric };
}

describe("who is over its limit", () => {
  it("RPC-11 is refused here until it may come back, however often it asks", async () => {
    const { store, take } = start();
    for (let n = 0; n < 4; n++) await take(0);
    expect(store.asked).toBe(4);
    for (let ms = 0; ms < 20_000; ms += 100) expect(await take(ms)).toMatchObject({ allowed: false, first: false });
    expect(store.asked).toBe(4);
    expect(await take(15_000)).toMatchObject({ retryAfterMs: 5_000, remaining: 0 });
    expect(await take(20_000)).toMatchObject({ allowed: true });
    expect(store.asked).toBe(5);
  });

  it("RPC-11 for many at once may still have one", async () => {
    const { counting, take, store } = start();
    const at = new Date(noon);
    await take(0);
    expect(await counting.take("login/account", "eve", three, at, 3)).toMatchObject({ allowed: false });
    expect(await counting.take("login/account", "eve", three, at, 2)).toMatchObject({ allowed: true, remaining: 0 });
    expect(store.asked).toBe(3);
  });

  it("does not take anybody else's place", async () => {
    const { take } = start();
    for (let n = 0; n < 5; n++) await take(0);
    expect(await take(0, "alice")).toMatchObject({ allowed: true });
  });

  it("is asked about anew when the rates have changed", async () => {
    const { store, take, counting } = start();
    for (let n = 0; n < 4; n++) await take(0);
    counting.forget();
    await take(0);
    expect(store.asked).toBe(5);
  });
});

describe("a store that does not answer", () => {
  it("RPC-11 is left alone for a moment, then asked again, and comes back by itself", async () => {
    const { store, take } = start();
    store.away = true;
    expect(await take(0)).toBe("LIMITS_UNAVAILABLE");
    for (let n = 0; n < 50; n++) expect(await take(storePauseMs - 1)).toBe("LIMITS_UNAVAILABLE");
    expect(store.asked).toBe(1);
    expect(await take(storePauseMs)).toBe("LIMITS_UNAVAILABLE");
    expect(store.asked).toBe(2);
    store.away = false;
    expect(await take(2 * storePauseMs)).toMatchObject({ allowed: true });
  });

  it("is not left alone for ever by a clock that stepped back", async () => {
    const { store, take } = start();
    store.away = true;
    await take(3_600_000);
    store.away = false;
    expect(await take(0)).toMatchObject({ allowed: true });
  });

  it("is told of once when it goes and once when it is back, and counted", async () => {
    const { store, take, logger, metric } = start();
    store.away = true;
    for (let n = 0; n < 5; n++) await take(n * storePauseMs);
    store.away = false;
    await take(5 * storePauseMs);
    expect(logger.lines.map(({ level }) => level)).toEqual(["warn", "info"]);
    expect(metric("gatehouse_limit_store_failures_total")).toBe(5);
  });
});
