// The map that keeps what was used lately.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRecentMap } from "../../../src/kernel/recent-map.ts";

describe("createRecentMap", () => {
  it("never holds more than it may, and never answers with what was not put there last", () => {
    const step = fc.tuple(fc.constantFrom("get", "set", "delete"), fc.constantFrom(..."abcdefghijkl"), fc.nat());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const map = createRecentMap<{ n: number }>(6);
        const truth = new Map<string, number>();
        for (const [what, key, n] of steps) {
          if (what === "set") {
            map.set(key, { n });
            truth.set(key, n);
            expect(map.get(key)?.n).toBe(n);
          } else if (what === "delete") {
            map.delete(key);
            truth.delete(key);
          }
          const found = map.get(key);
          if (found !== undefined) expect(found.n).toBe(truth.get(key));
          expect(map.size).toBeLessThanOrEqual(6);
        }
      }),
    );
  });

  it("keeps what is used while a flood passes", () => {
    const map = createRecentMap<number>(100);
    map.set("used", 1);
    for (let n = 0; n < 10_000; n += 1) {
      map.set(`flood ${n}`, n);
      if (n % 40 === 0) expect(map.get("used")).toBe(1);
    }
  });

  it("sweeps both generations", () => {
    const map = createRecentMap<number>(4);
    for (let n = 0; n < 4; n += 1) map.set(String(n), n);
    map.sweep((value) => value % 2 === 0);
    expect([0, 1, 2, 3].map((n) => map.get(String(n)))).toEqual([undefined, 1, undefined, 3]);
  });
});
