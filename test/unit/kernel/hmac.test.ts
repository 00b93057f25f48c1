// HMAC in one call, against the standard's vectors and against node:crypto's own.
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createHmacKey, eraseHmacKey, type HmacAlgorithm, hmac, hmacOnce, hmacText } from "../../../src/kernel/hmac.ts";

const algorithms: readonly HmacAlgorithm[] = ["sha256", "sha512"];

// RFC 4231 section 4: key, data, HMAC-SHA-256, HMAC-SHA-512.
const vectors: readonly (readonly [string, string, string, string])[] = [
  [
    "0b".repeat(20),
    "4869205468657265",
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
  ],
  [
    "4a656665",
    "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
  ],
  [
    "aa".repeat(20),
    "dd".repeat(50),
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
  ],
];

describe("HMAC", () => {
  it.each(vectors)("of key %s is that of RFC 4231", (key, data, sha256, sha512) => {
    const message = Buffer.from(data, "hex");
    const expected = { sha256, sha512 };
    for (const algorithm of algorithms) {
      const ready = createHmacKey(algorithm, Buffer.from(key, "hex"));
      expect(hmac(ready, message).toString("hex")).toBe(expected[algorithm]);
    }
    expect(hmacOnce(Buffer.from(key, "hex"), message)).toBe(sha256);
  });

  it.each(algorithms)("with %s is node:crypto's, whatever key and message are", (algorithm) => {
    const longest = algorithm === "sha256" ? 64 : 128;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: longest }), fc.uint8Array({ maxLength: 9000 }), (key, message) => {
        const expected = createHmac(algorithm, key).update(message).digest();
        const ready = createHmacKey(algorithm, key);
        expect(hmac(ready, message).equals(expected)).toBe(true);
        if (algorithm === "sha256") expect(hmacOnce(key, message)).toBe(expected.toString("hex"));
      }),
    );
  });

  it("is that of the parts joined, one character a byte", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 128 }), fc.array(fc.uint8Array({ maxLength: 200 })), (key, parts) => {
        const expected = createHmac("sha512", key).update(Buffer.concat(parts)).digest().toString("latin1");
        expect(hmacText(createHmacKey("sha512", key), ...parts)).toBe(expected);
      }),
    );
  });

  it("takes no key longer than a block, which would have to be hashed first", () => {
    expect(() => createHmacKey("sha256", Buffer.alloc(65))).toThrow(RangeError);
    expect(() => createHmacKey("sha512", Buffer.alloc(129))).toThrow(RangeError);
    expect(() => hmacOnce(Buffer.alloc(65), Buffer.alloc(100))).toThrow(RangeError);
  });

  it("leaves the message as it was, keeps nothing of the given key, and gives another answer once it is erased", () => {
    const [key, message] = [Buffer.alloc(32, 7), Buffer.from("message")];
    const ready = createHmacKey("sha256", key);
    const answer = hmac(ready, message);
    key.fill(0);
    expect(hmac(ready, message)).toEqual(answer);
    expect(message.toString()).toBe("message");
    eraseHmacKey(ready);
    expect([...ready.inner, ...ready.outer].every((byte) => byte === 0)).toBe(true);
  });
});
