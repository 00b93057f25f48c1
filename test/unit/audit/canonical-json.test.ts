import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CanonicalValue, canonicalJson } from "../../../src/audit/domain/canonical-json.ts";

const text = fc.string({ unit: "binary" });
const value: fc.Arbitrary<CanonicalValue> = fc.letrec<{ value: CanonicalValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(text, tie("value"), { maxKeys: 4 }),
  ),
})).value;

describe("canonical JSON", () => {
  it("AUD-05 equals an independent RFC 8785 writer on all that it accepts", () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(canonicalJson(given)).toBe(canonicalize(given));
      }),
      { numRuns: 500 },
    );
  });

  it("AUD-05 reads back as what was written, so two different values never share their bytes", () => {
    fc.assert(
      fc.property(value, value, (one, other) => {
        expect(JSON.parse(canonicalJson(one))).toEqual(one);
        const same = canonicalJson(one) === canonicalJson(other);
        expect(same).toBe(canonicalize(one) === canonicalize(other));
      }),
      { numRuns: 500 },
    );
  });

  it("AUD-05 does not depend on the order in which members were set", () => {
    expect(canonicalJson({ b: 1, a: { d: 2, c: 3 } })).toBe('{"a":{"c":3,"d":2},"b":1}');
    // UTF-16 order, not code point order: RFC 8785 section 3.2.3.
    expect(canonicalJson({ "\ufb33": 1, "\u{1f600}": 2, "\u20ac": 3 })).toBe('{"\u20ac":3,"\u{1f600}":2,"\ufb33":1}');
  });

  it("AUD-05 tells absent, empty and null apart", () => {
    const written = [{ a: undefined }, { a: "" }, { a: null }, { a: [] }, { a: {} }, { a: [""] }].map(canonicalJson);
    expect(new Set(written).size).toBe(written.length);
    expect(written[0]).toBe("{}");
  });

  it.each([
    ["a fraction", 1.5],
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["an integer that no double holds exactly", 2 ** 53],
    ["a lone surrogate", "\ud800"],
    ["a name with a lone surrogate", { "\udc00": 1 }],
  ])("AUD-05 refuses %s", (_title, given) => {
    expect(() => canonicalJson(given as CanonicalValue)).toThrow(RangeError);
  });

  it("refuses what is nested without end, before the stack ends", () => {
    let deep: CanonicalValue = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(() => canonicalJson(deep)).toThrow("nested too deeply");
  });
});
