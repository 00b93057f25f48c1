// JSON with one reading only.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJsonObject } from "../../../../src/token/domain/strict-json.ts";

const read = (text: string) => parseJsonObject(Buffer.from(text));

describe("parseJsonObject", () => {
  it("reads every flat object that JSON.stringify writes", () => {
    const value = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.string()),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), value), (object) => {
        const text = JSON.stringify(object);
        expect(read(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("agrees with JSON.parse on whatever it takes, and never throws", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ua0 1e9nul'), maxLength: 40 }), (text) => {
        const object = read(text);
        if (object !== undefined) expect(object).toEqual(JSON.parse(text));
      }),
    );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseJsonObject(Buffer.from(bytes))));
  });

  it.each([
    ['{"sub":"a","sub":"b"}'],
    ['{"sub":"a","\\u0073ub":"b"}'],
    ['{"a":{"x":1,"x":2}}'],
    ['{"a":[{"x":1},{"y":1,"y" :1}]}'],
    ['{"__proto__":1,"__proto__":2}'],
  ])("JWT-17 refuses a doubled member: %s", (text) => {
    expect(read(text)).toBeUndefined();
  });

  it("JWT-17 refuses any doubled member of an object that is written with and without spaces", () => {
    const name = fc.string({ maxLength: 5 });
    fc.assert(
      fc.property(fc.dictionary(name, fc.integer()), name, fc.constantFrom("", " "), (others, doubled, space) => {
        const member = `${space}${JSON.stringify(doubled)}:1`;
        const rest = JSON.stringify(others).slice(1, -1);
        expect(read(`{${[rest, member, member].filter((part) => part !== "").join(",")}}`)).toBeUndefined();
      }),
    );
  });

  it.each([['{"a":{"x":1},"b":{"x":2}}'], ['{"a":"{\\"a\\":1,\\"a\\":2}"}'], ['{"a":["a","a"],"b":":"}']])(
    "JWT-17 takes the same name in different objects, and names inside values: %s",
    (text) => {
      expect(read(text)).toEqual(JSON.parse(text));
    },
  );

  it.each([["[]"], ["[{}]"], ['"text"'], ["1"], ["null"], ["true"], [""], ["{"], ["{} {}"], ["{'a':1}"], ["\ufeff{}"]])(
    "JWT-18 refuses what is no object: %j",
    (text) => {
      expect(read(text)).toBeUndefined();
    },
  );

  it("JWT-18 refuses text that is not UTF-8", () => {
    expect(parseJsonObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeUndefined();
    expect(parseJsonObject(Buffer.from('{"\ud83d":1}', "utf16le"))).toBeUndefined();
  });

  it("JWT-18 refuses deep nesting without using the stack for it", () => {
    const nested = (depth: number, space: string) => `{${space}"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    for (const space of ["", " "]) {
      expect(read(nested(7, space))).toBeDefined();
      expect(read(nested(8, space))).toBeUndefined();
      expect(read(nested(200, space))).toBeUndefined();
      expect(read(nested(8_000, space))).toBeUndefined();
    }
  });

  it("JWT-22 is not slowed down by quotes and backslashes", () => {
    expect(read(`{"a":"${'\\"'.repeat(8_000)}`)).toBeUndefined();
    expect(read(`{"a":"${"\\\\".repeat(8_000)}"${" ".repeat(8_000)}}`)).toBeDefined();
  });

  it("DAT-07 gives no prototype away", () => {
    const object = read('{"__proto__":{"polluted":true}}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(Object.keys(object ?? {})).toEqual(["__proto__"]);
  });
});
