import { describe, expect, it } from "vitest";
import { createMovingWrapper } from "../../../../src/keys/moving/wrapper.ts";
import type { KeyWrapper, UnwrapItem } from "../../../../src/keys/ports.ts";

function named(name: string): KeyWrapper {
  return {
    generateDataKeys: async () => [],
    wrap: async (items) => items.map(() => ({ kekId: `${name}-1`, kekVersion: 1, ciphertext: Buffer.alloc(0) })),
    unwrap: async (items) =>
      items.map(({ wrapped, context }) => (wrapped.kekVersion > 1 ? undefined : Buffer.from(`${name} ${context}`))),
  };
}

function item(kekId: string, context: string, kekVersion = 1): UnwrapItem {
  return { wrapped: { kekId, kekVersion, ciphertext: Buffer.alloc(0) }, context: Buffer.from(context) };
}

describe("createMovingWrapper", () => {
  const wrapper = createMovingWrapper({
    to: named("vault"),
    from: named("local"),
    isInTarget: (kekId) => kekId.startsWith("vault-"),
  });

  it("opens each key in the home that wrapped it, in the order asked", async () => {
    const items = [item("local-1", "a"), item("vault-1", "b"), item("local-1", "c", 2), item("vault-1", "d")];
    const opened = await wrapper.unwrap(items);
    expect(opened.map((key) => key?.toString())).toEqual(["local a", "vault b", undefined, "vault d"]);
    expect(await wrapper.unwrap([])).toEqual([]);
  });

  it("wraps in the home that keys move to", async () => {
    const [wrapped] = await wrapper.wrap([{ dataKey: Buffer.alloc(32), context: Buffer.from("x") }]);
    expect(wrapped?.kekId).toBe("vault-1");
  });
});
