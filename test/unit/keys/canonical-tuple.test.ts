// The encoding that everything authenticated goes through must never give two lists the same bytes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalTuple, type TuplePart } from "../../../src/keys/canonical-tuple.ts";

const part: fc.Arbitrary<TuplePart> = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.constantFrom("", "a", "ab", "1", "s\0\0\0\0"),
  fc.nat(),
  fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER),
  fc.uint8Array({ maxLength: 6 }),
);
const list = fc.array(part, { maxLength: 5 });

function same(a: readonly TuplePart[], b: readonly TuplePart[]): boolean {
  const shown = (parts: readonly TuplePart[]) =>
    parts.map((p) => (p instanceof Uint8Array ? ["bytes", ...p] : [typeof p, p]));
  return JSON.stringify(shown(a)) === JSON.stringify(shown(b));
}

/** Reads the encoding back, independently of the writer: what can be read in one way only is injective. */
function decode(bytes: Buffer): TuplePart[] {
  const parts: TuplePart[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = String.fromCharCode(bytes.readUInt8(at));
    const length = bytes.readUInt32BE(at + 1);
    const value = bytes.subarray(at + 5, at + 5 + length);
    parts.push(
      tag === "s" ? value.toString("utf8") : tag === "i" ? Number(value.readBigUInt64BE()) : new Uint8Array(value),
    );
    at += 5 + length;
  }
  return parts;
}

describe("canonical tuple", () => {
  it("KEY-04 reads back as the list it was made of, whatever the list", () => {
    fc.assert(
      fc.property(list, (parts) => same(decode(canonicalTuple(parts)), parts)),
      { numRuns: 1000 },
    );
  });

  it("KEY-04 gives different lists different bytes", () => {
    fc.assert(
      fc.property(list, list, (a, b) => same(a, b) === canonicalTuple(a).equals(canonicalTuple(b))),
      { numRuns: 1000 },
    );
  });

  it.each<[string, TuplePart[], TuplePart[]]>([
    ["a moved border", ["a", "bc"], ["ab", "c"]],
    ["a number and its text", [1], ["1"]],
    ["text and its bytes", ["ab"], [Buffer.from("ab")]],
    ["an empty part and none", [""], []],
    ["composed and decomposed letters", ["\u00e9"], ["e\u0301"]],
  ])("KEY-04 tells apart %s", (_title, a, b) => {
    expect(canonicalTuple(a).equals(canonicalTuple(b))).toBe(false);
  });

  it.each<[string, TuplePart]>([
    ["a lone surrogate, which UTF-8 would fold into another", "a\ud800"],
    ["a negative number", -1],
    ["a fraction", 1.5],
    ["a number beyond 2^53", 2 ** 53],
    ["no number", Number.NaN],
  ])("KEY-04 refuses %s", (_title, value) => {
    expect(() => canonicalTuple([value])).toThrow(RangeError);
  });
});
