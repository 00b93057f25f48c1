// Which X-Vault-Index is sent back.
import { describe, expect, it } from "vitest";
import { newerIndex } from "../../../src/vault/consistency.ts";

const index = (local: number | bigint, replicated = 0, cluster = "c") =>
  Buffer.from(`v1:${cluster}:${local}:${replicated}:aGFzaA`).toString("base64");

describe("the index", () => {
  it("goes forward only, however answers overtake each other", () => {
    expect(newerIndex(undefined, index(1))).toBe(index(1));
    expect(newerIndex(index(1), index(2))).toBe(index(2));
    expect(newerIndex(index(2), index(1))).toBe(index(2));
    expect(newerIndex(index(2, 5), index(3, 4))).toBe(index(2, 5));
    expect(newerIndex(index(2), undefined)).toBe(index(2));
    const large = 2n ** 63n;
    expect(newerIndex(index(large), index(large + 1n))).toBe(index(large + 1n));
  });

  it("of another cluster takes its place", () => {
    expect(newerIndex(index(9, 0, "a"), index(1, 0, "b"))).toBe(index(1, 0, "b"));
  });

  it.each([
    ["empty", ""],
    ["no base64", "v1:c:1:0:h"],
    ["another version", Buffer.from("v2:c:1:0:h").toString("base64")],
    ["no number", Buffer.from("v1:c:x:0:h").toString("base64")],
    ["a header too many", `${index(1)}\r\nx: y`],
    ["too long", Buffer.from(`v1:${"c".repeat(2000)}:1:0:h`).toString("base64")],
  ])("that is %s is not sent back", (_, seen) => {
    expect(newerIndex(undefined, seen)).toBeUndefined();
    expect(newerIndex(index(1), seen)).toBe(index(1));
  });
});
