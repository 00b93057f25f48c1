// When tokens are renewed and given up.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { graceOf, nextStep, pauseAfter } from "../../../src/vault/renewal.ts";

const lease = fc.integer({ min: 1, max: 768 * 3_600_000 });

describe("the grace", () => {
  it("is a tenth to a fifth of the lease, by chance", () => {
    fc.assert(
      fc.property(lease, (leaseMs) => {
        const grace = graceOf(leaseMs);
        expect(grace).toBeGreaterThanOrEqual(leaseMs / 10);
        expect(grace).toBeLessThanOrEqual(leaseMs / 5 + 1);
      }),
    );
    expect(new Set(Array.from({ length: 50 }, () => graceOf(3_600_000))).size).toBeGreaterThan(10);
  });
});

describe("the next step", () => {
  it("of a fresh renewable token is to renew it after two thirds and a third of the grace", () => {
    expect(nextStep({ remainingMs: 3_000, graceMs: 300, renewable: true })).toEqual({ step: "renew", afterMs: 2_100 });
  });

  it.each([
    ["cannot be renewed", { remainingMs: 3_000, graceMs: 300, renewable: false }, 2_700],
    [
      "has so little left that waiting would end within the grace",
      { remainingMs: 1_000, graceMs: 300, renewable: true },
      700,
    ],
    ["is within its grace", { remainingMs: 200, graceMs: 300, renewable: true }, 0],
  ])("of one that %s is a new login", (_, standing, afterMs) => {
    expect(nextStep(standing)).toEqual({ step: "log in", afterMs });
  });

  it("comes before the token ends, and leaves the grace for it", () => {
    fc.assert(
      fc.property(lease, fc.boolean(), (remainingMs, renewable) => {
        const graceMs = graceOf(remainingMs);
        const { afterMs } = nextStep({ remainingMs, graceMs, renewable });
        expect(afterMs).toBeGreaterThanOrEqual(0);
        expect(afterMs).toBeLessThanOrEqual(Math.max(0, remainingMs - graceMs));
      }),
    );
  });
});

describe("the pause after failures", () => {
  it("doubles up to a minute, half of it by chance", () => {
    for (const [failures, whole] of [
      [1, 1_000],
      [2, 2_000],
      [5, 16_000],
      [10, 60_000],
      [1_000, 60_000],
    ] as const) {
      const pause = pauseAfter(failures);
      expect(pause).toBeGreaterThanOrEqual(whole / 2);
      expect(pause).toBeLessThanOrEqual(whole);
    }
  });
});
