// What every place to count must do, whatever stands behind it: the suite is run against each store by a test file of its own.
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LimitStore, Rate } from "../../../src/rpc/limits/ports.ts";

const noon = Date.UTC(2026, 10, 21, 12);
const at = (ms: number) => new Date(noon + ms);
const anyKey = () => randomBytes(16);

/** The leaky bucket, in whole microseconds: level drains with time, a call adds its cost, and nothing overflows. */
function createModel(rate: Rate) {
  const step = Math.max(1, Math.floor((rate.perMs * 1000) / rate.count));
  let level = 0;
  let last = 0;
  return (ms: number, cost: number): boolean => {
    level = Math.max(0, level - (ms - last) * 1000);
    last = ms;
    if (level + cost * step > rate.count * step) return false;
    level += cost * step;
    return true;
  };
}

const rates = fc.record({ count: fc.integer({ min: 1, max: 60 }), perMs: fc.integer({ min: 1, max: 120_000 }) });
const calls = fc.array(
  fc.record({
    after: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 200_000 })),
    cost: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 1, maxLength: 60 },
);

export interface StoreUnderTest {
  readonly store: LimitStore;
  /** Another process on the same counts. */
  readonly other: LimitStore;
}

export function limitStoreContract(open: () => StoreUnderTest): void {
  sequenceContract(open);
  concurrencyContract(open);
  clockContract(open);
  keyContract(open);
}

function sequenceContract(open: () => StoreUnderTest): void {
  const ten = { count: 10, perMs: 60_000 };

  describe("LimitStore, one after the other", () => {
    it("RPC-11 lets in exactly what a leaky bucket lets in, whatever rate, pace and cost", async () => {
      await fc.assert(
        fc.asyncProperty(rates, calls, async (rate, sequence) => {
          const { store } = open();
          const model = createModel(rate);
          const key = anyKey();
          let now = 0;
          for (const { after, cost } of sequence) {
            now += after;
            expect((await store.take(key, rate, at(now), cost)).allowed).toBe(model(now, cost));
          }
        }),
        { numRuns: 40 },
      );
    });

    it("RPC-11 says how much is left, when it is whole again and when to come back", async () => {
      const { store } = open();
      const key = anyKey();
      expect(await store.take(key, ten, at(0), 1)).toEqual({
        allowed: true,
        remaining: 9,
        wholeAfterMs: 6_000,
        retryAfterMs: 0,
        first: false,
      });
      for (let n = 0; n < 9; n++) await store.take(key, ten, at(0), 1);
      const refused = { allowed: false, remaining: 0, wholeAfterMs: 60_000, retryAfterMs: 6_000 };
      expect(await store.take(key, ten, at(0), 1)).toEqual({ ...refused, first: true });
      expect(await store.take(key, ten, at(0), 1)).toEqual({ ...refused, first: false });
      expect((await store.take(key, ten, at(5_999), 1)).allowed).toBe(false);
      expect(await store.take(key, ten, at(6_000), 1)).toMatchObject({ allowed: true, remaining: 0 });
      expect(await store.take(key, ten, at(6_000), 1)).toMatchObject({ allowed: false, first: true });
    });

    it("does not save up idle time: after any pause there is one whole budget, and no more", async () => {
      const { store } = open();
      const key = anyKey();
      const three = { count: 3, perMs: 60_000 };
      await store.take(key, three, at(0), 1);
      for (const pause of [3_600_000, 7_200_000]) {
        const seen: boolean[] = [];
        for (let n = 0; n < 5; n++) seen.push((await store.take(key, three, at(pause), 1)).allowed);
        expect(seen).toEqual([true, true, true, false, false]);
      }
    });

    it("takes nothing for what it refuses, however often it is asked", async () => {
      const { store } = open();
      const key = anyKey();
      const one = { count: 1, perMs: 1_000 };
      expect((await store.take(key, one, at(0), 1)).allowed).toBe(true);
      for (let ms = 1; ms < 1_000; ms += 37) expect((await store.take(key, one, at(ms), 1)).allowed).toBe(false);
      expect((await store.take(key, one, at(1_000), 1)).allowed).toBe(true);
    });

    it("refuses what costs more than the whole budget, and leaves the budget alone", async () => {
      const { store } = open();
      const key = anyKey();
      expect(await store.take(key, ten, at(0), 11)).toMatchObject({ allowed: false, remaining: 10 });
      expect(await store.take(key, ten, at(0), 10)).toMatchObject({ allowed: true, remaining: 0 });
    });

    it("keeps the share that is used up when the rate changes, with the same period and with another", async () => {
      const { store } = open();
      const key = anyKey();
      for (let n = 0; n < 10; n++) await store.take(key, ten, at(0), 1);
      expect((await store.take(key, { count: 5, perMs: 60_000 }, at(1_000), 1)).allowed).toBe(false);
      expect((await store.take(key, { count: 5, perMs: 60_000 }, at(12_000), 1)).allowed).toBe(true);
      for (const perMs of [3_600_000, 1_000, 60_000]) {
        const decision = await store.take(key, { count: 5, perMs }, at(12_000), 1);
        expect(decision).toMatchObject({ allowed: false, wholeAfterMs: perMs, retryAfterMs: perMs / 5 });
      }
    });

    it("holds a new limit at once: nobody waits longer than it says, not for what an old one had let in", async () => {
      const { store } = open();
      const key = anyKey();
      const [slow, fast] = [
        { count: 1, perMs: 3_600_000 },
        { count: 1_000, perMs: 1_000 },
      ];
      expect((await store.take(key, slow, at(0), 1)).allowed).toBe(true);
      expect(await store.take(key, slow, at(0), 1)).toMatchObject({ allowed: false, retryAfterMs: 3_600_000 });
      expect(await store.take(key, fast, at(0), 1)).toMatchObject({ allowed: false, retryAfterMs: 1 });
      expect(await store.take(key, fast, at(1), 1)).toMatchObject({ allowed: true, remaining: 0 });
    });

    it("takes the largest rates that can be written", async () => {
      const { store } = open();
      for (const rate of [
        { count: 5_000_000, perMs: 1_000 },
        { count: 1, perMs: 366 * 86_400_000 },
        { count: 10_000_000_000, perMs: 366 * 86_400_000 },
      ])
        expect((await store.take(anyKey(), rate, at(0), 1)).allowed).toBe(true);
    });
  });
}

function concurrencyContract(open: () => StoreUnderTest): void {
  describe("LimitStore, all at once", () => {
    it.each([
      { count: 10, perMs: 60_000 },
      { count: 7, perMs: 60_000 },
      { count: 97, perMs: 3_600_000 },
    ])("RPC-11 T-02 lets in $count of 640 calls by 32 clients of two processes, not one more or less", async (rate) => {
      const { store, other } = open();
      const key = anyKey();
      const client = async (n: number) => {
        let allowed = 0;
        for (let call = 0; call < 20; call++)
          if ((await (n % 2 === 0 ? store : other).take(key, rate, at(0), 1)).allowed) allowed++;
        return allowed;
      };
      const counts = await Promise.all(Array.from({ length: 32 }, (_, n) => client(n)));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(rate.count);
    });

    it("marks one first refusal, whoever meets it", async () => {
      const { store, other } = open();
      const key = anyKey();
      const rate = { count: 1, perMs: 60_000 };
      const decisions = await Promise.all(
        Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? store : other).take(key, rate, at(0), 1)),
      );
      expect(decisions.filter(({ first }) => first)).toHaveLength(1);
    });
  });
}

function clockContract(open: () => StoreUnderTest): void {
  describe("LimitStore and clocks that differ", () => {
    const ten = { count: 10, perMs: 60_000 };

    it("never lets in more than the fastest clock alone would allow", async () => {
      await fc.assert(
        fc.asyncProperty(rates, fc.integer({ min: 0, max: 30_000 }), calls, async (rate, skew, sequence) => {
          const { store, other } = open();
          const step = Math.max(1, Math.floor((rate.perMs * 1000) / rate.count));
          const key = anyKey();
          let now = 0;
          let cost = 0;
          for (const [n, call] of sequence.entries()) {
            now += call.after;
            const ahead = n % 2 === 0;
            const decision = await (ahead ? store : other).take(key, rate, at(ahead ? now + skew : now), call.cost);
            if (decision.allowed) cost += call.cost * step;
          }
          expect(cost).toBeLessThanOrEqual(rate.count * step + (now + skew) * 1000);
        }),
        { numRuns: 25 },
      );
    });

    it("lets in no more than the looser of two settings, when replicas differ", async () => {
      await fc.assert(
        fc.asyncProperty(rates, rates, calls, async (mine, theirs, sequence) => {
          const { store, other } = open();
          const key = anyKey();
          let now = 0;
          let share = 0;
          for (const [n, { after }] of sequence.entries()) {
            now += after;
            const rate = n % 2 === 0 ? mine : theirs;
            if ((await (n % 2 === 0 ? store : other).take(key, rate, at(now), 1)).allowed) share += 1 / rate.count;
          }
          // One budget at the start, and what comes back at the pace of the shorter period; steps are rounded.
          expect(share).toBeLessThanOrEqual((1 + now / Math.min(mine.perMs, theirs.perMs)) * 1.001 + 0.001);
        }),
        { numRuns: 25 },
      );
    });

    it("tells nobody to wait longer than the whole budget takes to come back", async () => {
      const { store, other } = open();
      const key = anyKey();
      await store.take(key, ten, at(3_600_000), 1);
      expect((await other.take(key, ten, at(0), 1)).retryAfterMs).toBeLessThanOrEqual(60_000);
    });
  });
}

function keyContract(open: () => StoreUnderTest): void {
  describe("LimitStore and its keys", () => {
    const one = { count: 1, perMs: 60_000 };

    it("P-04 keeps hostile keys apart and takes them for nothing but keys", async () => {
      const { store } = open();
      const hostile = [
        "'; drop table limit_cell; --",
        "\0",
        "a\0",
        "*",
        "x\r\nFLUSHALL\r\n",
        "{a}",
        " ",
        "ÿ",
        "a".repeat(64),
      ];
      const keys = hostile.map((text) => Buffer.concat([anyKey(), Buffer.from(text)]));
      for (const key of keys) expect((await store.take(key, one, at(0), 1)).allowed).toBe(true);
      for (const key of keys) expect((await store.take(key, one, at(0), 1)).allowed).toBe(false);
    });

    it("counts every key apart", async () => {
      const { store } = open();
      const keys = Array.from({ length: 50 }, anyKey);
      const decisions = await Promise.all(keys.map((key) => store.take(key, one, at(0), 1)));
      expect(decisions.every(({ allowed }) => allowed)).toBe(true);
    });
  });
}
