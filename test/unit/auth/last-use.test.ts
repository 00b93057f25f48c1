// Last use: written together, once, and again when it could not be.
import { describe, expect, it } from "vitest";
import { createLastUse } from "../../../src/auth/last-use.ts";

const at = (ms: number) => new Date(ms);

describe("last use", () => {
  it("TOK-25 writes the latest of each, and nothing when there is nothing new", async () => {
    const written: ReadonlyMap<string, Date>[] = [];
    const used = createLastUse(async (map) => void written.push(map));
    used.note("a", at(1));
    used.note("b", at(2));
    used.note("a", at(3));
    await used.flush();
    await used.flush();
    expect(written).toEqual([
      new Map([
        ["a", at(3)],
        ["b", at(2)],
      ]),
    ]);
  });

  it("TOK-25 keeps what could not be written, and a later use of the same", async () => {
    const written: ReadonlyMap<string, Date>[] = [];
    let fails = true;
    const used = createLastUse(async (map) => {
      if (fails) {
        used.note("b", at(9));
        throw new Error("away");
      }
      written.push(map);
    });
    used.note("a", at(1));
    used.note("b", at(2));
    await expect(used.flush()).rejects.toThrow("away");
    fails = false;
    await used.flush();
    expect(written).toEqual([
      new Map([
        ["b", at(9)],
        ["a", at(1)],
      ]),
    ]);
  });

  it("is bounded", async () => {
    const written: ReadonlyMap<string, Date>[] = [];
    const used = createLastUse(async (map) => void written.push(map));
    for (let number = 0; number < 20_000; number += 1) used.note(String(number), at(number));
    await used.flush();
    expect(written[0]?.size).toBe(10_000);
  });
});
