import { describe, expect, it } from "vitest";
import { createTurns } from "../../../../src/secrets/secrets/turns.ts";

describe("turns", () => {
  it("come one at a time per key, in the order of asking, however the one before ended", async () => {
    const turns = createTurns();
    const log: string[] = [];
    const work =
      (name: string, fail = false) =>
      async () => {
        log.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        log.push(`${name} ends`);
        if (fail) throw new Error(name);
        return name;
      };
    const settled = await Promise.allSettled([
      turns.take("k", work("a", true)),
      turns.take("k", work("b")),
      turns.take("k", work("c")),
    ]);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  it("of different keys do not wait for each other", async () => {
    const turns = createTurns();
    const never = turns.take("slow", () => new Promise(() => {}));
    await expect(turns.take("quick", async () => "done")).resolves.toBe("done");
    expect(never).toBeInstanceOf(Promise);
  });
});
