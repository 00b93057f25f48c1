// The two forms of an ECDSA signature, with OpenSSL's own conversion as the oracle.
import { generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { derOf, rawOf } from "../../../src/kernel/ecdsa-der.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const half = fc.oneof(
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  // Numbers that begin with noughts, or with a set bit after them.
  fc.tuple(fc.integer({ min: 0, max: 32 }), fc.uint8Array({ minLength: 32, maxLength: 32 })).map(([noughts, bytes]) => {
    const shifted = new Uint8Array(32);
    shifted.set(bytes.subarray(noughts), noughts);
    return shifted;
  }),
);

describe("an ECDSA signature", () => {
  it("comes back from DER as it was, whatever its numbers are", () => {
    fc.assert(
      fc.property(half, half, (r, s) => {
        const raw = Buffer.concat([r, s]);
        expect(rawOf(derOf(raw))).toEqual(raw);
      }),
    );
  });

  it("is in the shortest form of DER, as X.690 section 8.3.2 asks", () => {
    const short = Buffer.alloc(64);
    short[31] = 0x7f;
    short[63] = 0x80;
    expect(derOf(short).toString("hex")).toBe("300702017f02020080");
    expect(derOf(Buffer.alloc(64)).toString("hex")).toBe("3006020100020100");
    expect(derOf(Buffer.alloc(64, 0xff)).toString("hex")).toBe(
      `30460221 00${"ff".repeat(32)}0221 00${"ff".repeat(32)}`.replaceAll(" ", ""),
    );
  });

  it("means the same to OpenSSL in either form", () => {
    for (let index = 0; index < 300; index += 1) {
      const input = Buffer.from(`message ${index}`);
      const raw = sign("sha256", input, { key: privateKey, dsaEncoding: "ieee-p1363" });
      expect(verify("sha256", input, publicKey, derOf(raw))).toBe(true);
      const der = sign("sha256", input, privateKey);
      expect(verify("sha256", input, { key: publicKey, dsaEncoding: "ieee-p1363" }, rawOf(der))).toBe(true);
    }
  });

  it("has 64 bytes", () => {
    for (const length of [0, 63, 65]) expect(() => derOf(Buffer.alloc(length))).toThrow(RangeError);
  });
});
