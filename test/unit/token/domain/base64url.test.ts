// One spelling for each byte string.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64url } from "../../../../src/token/domain/base64url.ts";

describe("decodeBase64url", () => {
  it("reads what was written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64url");
        expect(decodeBase64url(text)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it("JWT-02 refuses every second spelling of the same bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ABYZabyz0189-_+/=. \n"), maxLength: 12 }), (text) => {
        const bytes = decodeBase64url(text);
        if (bytes !== undefined) expect(bytes.toString("base64url")).toBe(text);
      }),
    );
  });

  it.each(["", "A", "AB==", "AB=", "AB", "A B", "AA\n", "+/+/", "AAAAA", "ÄÄÄÄ"])("JWT-01 refuses %j", (text) => {
    const canonical = text !== "" && Buffer.from(text, "base64url").toString("base64url") === text;
    expect(decodeBase64url(text) === undefined).toBe(!canonical);
    expect(canonical).toBe(false);
  });
});
