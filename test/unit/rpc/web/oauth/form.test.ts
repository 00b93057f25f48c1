// Forms are read in one way or not at all.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GatehouseError } from "../../../../../src/kernel/errors.ts";
import type { WebRequest } from "../../../../../src/rpc/web/message.ts";
import { isForm, readForm } from "../../../../../src/rpc/web/oauth/form.ts";

const read = (text: string) => Object.fromEntries(readForm(Buffer.from(text, "latin1")));
const refusal = (text: string) => {
  try {
    return read(text);
  } catch (thrown) {
    return (thrown as GatehouseError).reason;
  }
};
const typed = (...types: string[]) => ({ rawHeaders: types.flatMap((type) => ["Content-Type", type]) }) as WebRequest;

describe("a form", () => {
  it("reads what URLSearchParams writes", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1 }).filter((value) => !/\p{Cc}/u.test(value));
    fc.assert(
      fc.property(fc.dictionary(text, text, { maxKeys: 8 }), (values) => {
        expect(read(new URLSearchParams(values).toString())).toEqual({ ...values });
      }),
    );
  });

  it("never takes a form that it would read otherwise than the next one", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab=&+%2026;\u00e9"\\\0') }), (text) => {
        const got = refusal(text);
        if (typeof got === "string") return;
        const theirs = [...new URLSearchParams(text)].filter(([, value]) => value !== "");
        expect(Object.entries(got).sort()).toEqual(theirs.sort());
      }),
    );
  });

  it.each([
    ["twice the same", "a=1&a=1"],
    ["twice, differently encoded", "scope=x&%73cope=y"],
    ["twice, once without a value", "a=1&a="],
    ["half an escape", "a=%2"],
    ["an escape of no digits", "a=%zz"],
    ["bytes that are no UTF-8", "a=%ff%fe"],
    ["an overlong slash", "a=%c0%af"],
    ["a NUL", "a=b%00c"],
    ["a line break", "a=b%0d%0ac"],
    ["raw bytes beyond ASCII", "a=\xe9"],
    ["a raw quote", 'a="b"'],
    ["a raw space", "a=b c"],
    ["JSON", '{"grant_type":"client_credentials"}'],
    ["thirty-three parameters", Array.from({ length: 33 }, (_, i) => `p${i}=1`).join("&")],
  ])("with %s is refused", (_, text) => {
    expect(refusal(text)).toBe("REQUEST_MALFORMED");
  });

  it("leaves out what has no value, and knows no names of JavaScript's", () => {
    expect(read("a=&b&__proto__=1&constructor=2&c=3")).toEqual({
      ...Object.fromEntries([["__proto__", "1"]]),
      constructor: "2",
      c: "3",
    });
    expect(readForm(Buffer.from("a=1")).get("toString")).toBeUndefined();
  });

  it("is told by its one content type", () => {
    for (const type of ["application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; charset=UTF-8"])
      expect(isForm(typed(type))).toBe(true);
    for (const types of [
      [],
      ["application/json"],
      ["application/x-www-form-urlencoded; charset=latin1"],
      ["application/x-www-form-urlencodedd"],
      ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded"],
      ["multipart/form-data"],
    ])
      expect(isForm(typed(...types))).toBe(false);
  });
});
