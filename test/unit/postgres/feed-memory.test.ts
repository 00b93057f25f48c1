// The newest events of the feed: what is answered from memory, and when it must say that it does not know.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFeedMemory, type NumberedEvent } from "../../../src/postgres/feed-memory.ts";

const expiresAt = new Date(0);
const numbered = (number: number): NumberedEvent => ({
  number,
  event: { kind: "token", key: String(number), expiresAt },
});
const keys = (events: readonly { readonly key: string }[] | undefined) => events?.map(({ key }) => Number(key));

describe("createFeedMemory", () => {
  it("knows nothing before it was told anything", () => {
    expect(createFeedMemory().after(0)).toBeUndefined();
    expect(createFeedMemory().after(100)).toBeUndefined();
  });

  it("answers what came after a number, nothing for the newest, and does not know what came before its first", () => {
    const memory = createFeedMemory();
    memory.add([numbered(5), numbered(6)]);
    memory.add([numbered(9)]);
    expect(keys(memory.after(4))).toEqual([5, 6, 9]);
    expect(keys(memory.after(6))).toEqual([9]);
    expect(keys(memory.after(9))).toEqual([]);
    expect(keys(memory.after(50))).toEqual([]);
    expect(memory.after(3)).toBeUndefined();
  });

  it("forgets everything when the feed went back", () => {
    const memory = createFeedMemory();
    memory.add([numbered(5)]);
    memory.forget();
    expect(memory.after(5)).toBeUndefined();
    memory.add([numbered(2)]);
    expect(keys(memory.after(1))).toEqual([2]);
  });

  it("is bounded, and never leaves out what it claims to know", () => {
    const batches = fc.array(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 12 }), { maxLength: 12 });
    fc.assert(
      fc.property(batches, fc.integer({ min: 2, max: 20 }), (steps, capacity) => {
        const memory = createFeedMemory(capacity);
        const all: number[] = [];
        for (const batch of steps) {
          const added = batch.map((step) => {
            all.push((all.at(-1) ?? 0) + step);
            return all.at(-1) ?? 0;
          });
          memory.add(added.map(numbered));
          for (let number = 0; number <= (all.at(-1) ?? 0); number += 1) {
            const known = keys(memory.after(number));
            if (known === undefined) continue;
            expect(known).toEqual(all.filter((one) => one > number));
            expect(known.length).toBeLessThanOrEqual(capacity);
          }
        }
      }),
    );
  });
});
