// Limits: exact against a model that keeps every admitted call, bounded in memory, and honest about when to come back.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLimiter } from "../../../src/rpc/gcra.ts";
import type { Rate } from "../../../src/rpc/limits/ports.ts";

/** The leaky bucket that GCRA is another way of writing: level drains at count/perMs, a call adds one, capacity count. */
function createModel(rate: Rate) {
  const buckets = new Map<string, { level: number; at: number }>();
  return (key: string, now: number): boolean => {
    const bucket = buckets.get(key) ?? { level: 0, at: now };
    bucket.level = Math.max(0, bucket.level - ((now - bucket.at) * rate.count) / rate.perMs);
    bucket.at = now;
    buckets.set(key, bucket);
    if (bucket.level + 1 > rate.count + 1e-6) return false;
    bucket.level += 1;
    return true;
  };
}

const start = 1_800_000_000_000;
const rates = fc.record({ count: fc.integer({ min: 1, max: 50 }), perMs: fc.integer({ min: 10, max: 60_000 }) });
const calls = fc.array(
  fc.record({
    key: fc.constantFrom("a", "b", "c"),
    after: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000 })),
  }),
  { maxLength: 200 },
);

describe("a limiter", () => {
  it("RPC-11 admits exactly what a leaky bucket admits, for every key apart", () => {
    fc.assert(
      fc.property(rates, calls, (rate, sequence) => {
        const limiter = createLimiter(rate);
        const model = createModel(rate);
        let now = start;
        for (const { key, after } of sequence) {
          now += after;
          expect(limiter.take(key, now).allowed).toBe(model(key, now));
        }
      }),
    );
  });

  it("lets a burst of the whole count through, and no more", () => {
    fc.assert(
      fc.property(rates, (rate) => {
        const limiter = createLimiter(rate);
        const admitted = Array.from({ length: rate.count + 5 }, () => limiter.take("a", start)).filter(
          (d) => d.allowed,
        );
        expect(admitted).toHaveLength(rate.count);
      }),
    );
  });

  it("RPC-11 lets in as many at once as one by one, or none of them, and says when all may come", () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 40 }), (rate, cost, before) => {
        const [together, apart] = [createLimiter(rate), createLimiter(rate)];
        for (const limiter of [together, apart]) for (let n = 0; n < before; n++) limiter.take("a", start);
        const room = apart.peek("a", start).remaining;
        const { allowed, remaining, retryAfterMs } = together.take("a", start, cost);
        expect([allowed, remaining]).toEqual(cost <= room ? [true, room - cost] : [false, 0]);
        if (allowed || cost > rate.count) return;
        expect(together.take("a", start + retryAfterMs, cost).allowed).toBe(true);
      }),
    );
  });

  it("RPC-11 says when to come back: refused a moment before, admitted then", () => {
    fc.assert(
      fc.property(rates, (rate) => {
        const limiter = createLimiter(rate);
        for (let n = 0; n < rate.count; n++) limiter.take("a", start);
        const refusal = limiter.take("a", start);
        if (refusal.allowed) throw new Error("the burst was not used up");
        expect(refusal.retryAfterMs).toBeGreaterThan(0);
        const early = limiter.take("a", start + refusal.retryAfterMs - 2);
        if (refusal.retryAfterMs > 2) expect(early.allowed).toBe(false);
        expect(limiter.take("a", start + refusal.retryAfterMs).allowed).toBe(true);
      }),
    );
  });

  it("does not push the next admission away when refused calls keep coming", () => {
    const limiter = createLimiter({ count: 1, perMs: 1_000 });
    expect(limiter.take("a", start).allowed).toBe(true);
    for (let ms = 1; ms < 1_000; ms += 7) expect(limiter.take("a", start + ms).allowed).toBe(false);
    expect(limiter.take("a", start + 1_000).allowed).toBe(true);
  });

  it("marks the first refusal since the key was last admitted, and only that one", () => {
    const limiter = createLimiter({ count: 1, perMs: 1_000 });
    const firsts = (times: readonly number[]) =>
      times.map((ms) => {
        const decision = limiter.take("a", start + ms);
        return decision.allowed ? "allowed" : decision.first;
      });
    expect(firsts([0, 1, 2, 3, 1_000, 1_001, 1_002])).toEqual(["allowed", true, false, false, "allowed", true, false]);
  });

  it("is not confused by a clock that steps back", () => {
    const limiter = createLimiter({ count: 2, perMs: 1_000 });
    for (let n = 0; n < 2; n++) limiter.take("a", start);
    expect(limiter.take("a", start - 60_000).allowed).toBe(false);
    expect(limiter.take("a", start + 1_000).allowed).toBe(true);
  });
});

describe("a limiter whose rate changes", () => {
  const hourly = { count: 4, perMs: 3_600_000 };

  it("keeps the share that is used up: a new limit holds at once, whichever way", () => {
    const limiter = createLimiter(hourly);
    for (let n = 0; n < 5; n++) limiter.take("over", start);
    limiter.take("near", start);
    limiter.update({ count: 1_000, perMs: 1_000 }, start);
    expect(limiter.take("over", start)).toMatchObject({ allowed: false, retryAfterMs: 1, first: false });
    expect(limiter.take("near", start)).toMatchObject({ allowed: true, remaining: 749, wholeAfterMs: 251 });
    expect(limiter.take("over", start + 1)).toMatchObject({ allowed: true, remaining: 0 });
    limiter.update(hourly, start + 1);
    expect(limiter.take("over", start + 1)).toMatchObject({ allowed: false, retryAfterMs: 900_000 });
    expect(limiter.take("new", start + 1)).toMatchObject({ allowed: true, remaining: 3 });
  });

  it("forgives what was paid off by then, and what a clock that stepped back seems to owe", () => {
    const limiter = createLimiter({ count: 1, perMs: 1_000 });
    limiter.take("paid", start);
    limiter.take("owing", start + 5_000);
    limiter.update(hourly, start + 2_000);
    expect(limiter.take("paid", start + 2_000)).toMatchObject({ allowed: true, remaining: 3 });
    expect(limiter.take("owing", start + 2_000)).toMatchObject({ allowed: false, retryAfterMs: 900_000 });
  });
});

describe("the memory of a limiter", () => {
  const rate = { count: 10, perMs: 60_000 };

  it("RPC-11 stays bounded under a million distinct keys that are all in debt", () => {
    const limiter = createLimiter(rate, 10_000);
    for (let n = 0; n < 1_000_000; n++) {
      limiter.take(`k${n}`, start + n / 1_000);
      if (n % 50_000 === 0) expect(limiter.size).toBeLessThanOrEqual(10_000);
    }
    expect(limiter.size).toBeLessThanOrEqual(10_000);
  });

  it("RPC-11 a flood of made-up keys does not give the account under attack a new budget", () => {
    const limiter = createLimiter(rate, 1_000);
    for (let n = 0; n < rate.count; n++) limiter.take("victim", start);
    expect(limiter.take("victim", start).allowed).toBe(false);
    for (let n = 0; n < 20_000; n++) limiter.take(`made-up-${n}`, start);
    expect(limiter.take("victim", start).allowed).toBe(false);
  });

  it("forgets those who owe nothing before it forgets anybody else", () => {
    const limiter = createLimiter({ count: 1, perMs: 1_000 }, 100);
    for (let n = 0; n < 99; n++) limiter.take(`old-${n}`, start);
    limiter.take("debtor", start + 5_000);
    for (let n = 0; n < 50; n++) limiter.take(`new-${n}`, start + 5_000);
    expect(limiter.take("debtor", start + 5_000).allowed).toBe(false);
  });
});
