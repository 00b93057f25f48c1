import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normaliseLoginName } from "../../../src/kernel/login-name.ts";

describe("the normal form of a login name", () => {
  it.each([
    ["case", "Anna@Example.ORG", "anna@example.org"],
    ["width", "\uff21\uff4e\uff4e\uff41", "anna"],
    ["composition", "jose\u0301", "jos\u00e9"],
    ["ligatures", "\ufb01ona", "fiona"],
    ["a letter that lowers to two", "\u0130", "i\u0307"],
    ["the Kelvin sign", "\u212aarl", "karl"],
  ])("is one for %s", (_title, one, other) => {
    expect(normaliseLoginName(one)).toBe(other);
  });

  it("twice is as once, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const once = normaliseLoginName(text);
        expect(normaliseLoginName(once)).toBe(once);
      }),
      { numRuns: 2_000 },
    );
  });
});
