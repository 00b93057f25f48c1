// Login names: one form for comparing, and which may be taken.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loginNameFault } from "../../../../src/auth/domain/login-name.ts";
import { normaliseLoginName } from "../../../../src/kernel/login-name.ts";

const anyText = fc.string({ unit: "binary" });

describe("normaliseLoginName", () => {
  it("is stable: twice is as once", () => {
    fc.assert(
      fc.property(anyText, (text) => normaliseLoginName(normaliseLoginName(text)) === normaliseLoginName(text)),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ["case", "Alice", "aLICE"],
    ["width", "ａｌｉｃｅ", "alice"],
    ["composition", "Jose\u0301", "jos\u00e9"],
    ["ligatures", "ﬁona", "fiona"],
    ["the kelvin sign", "\u212Aelvin", "kelvin"],
  ])("sees one name through %s", (_title, a, b) => {
    expect(normaliseLoginName(a)).toBe(normaliseLoginName(b));
  });

  it("never joins names that differ in letters", () => {
    expect(normaliseLoginName("alice")).not.toBe(normaliseLoginName("alicе")); // Cyrillic е
  });
});

describe("loginNameFault", () => {
  it.each(["alice", "alice@example.com", "Alice Liddell", "王小明", "o'neill", "a"])("takes %s", (name) => {
    expect(loginNameFault(name)).toBeUndefined();
  });

  it.each([
    ["a NUL", "ali\0ce"],
    ["a line break", "alice\nadmin"],
    ["a zero-width space", "ali\u200bce"],
    ["a bidirectional override", "\u202Eecila"],
    ["a lone surrogate", "a\ud800"],
    ["a space in front", " alice"],
    ["a space behind", "alice "],
    ["a no-break space", "alice\u00a0liddell"],
    ["spaces alone", "   "],
    ["private characters", "\ue000"],
    ["more than 128 characters after normalisation", "\ufdfa".repeat(10)],
  ])("P-03 refuses %s", (_title, name) => {
    expect(loginNameFault(name)).toEqual(expect.any(String));
  });

  it("P-03 refuses whatever would be found under no name", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        if (loginNameFault(text) !== undefined) return true;
        const normalised = normaliseLoginName(text);
        return normalised.length > 0 && normalised === normalised.trim() && normalised.isWellFormed();
      }),
      { numRuns: 2_000 },
    );
  });
});
