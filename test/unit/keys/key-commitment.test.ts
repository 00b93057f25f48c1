// CVE-2020-8897: AES-GCM does not commit to its key. Whoever knows two keys can make one ciphertext that opens under
// both, and show two readers two texts. The attack is carried out here, and must stop at the commitment.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { open } from "../../../src/keys/committing-aead.ts";

const additionalData = Buffer.alloc(16, 0xad);
const reduction = 0xe1n << 120n;

function block(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString("hex")}`);
}

function bytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(32, "0"), "hex");
}

/** Multiplication in GCM's field, SP 800-38D section 6.3. */
function times(x: bigint, y: bigint): bigint {
  let product = 0n;
  let v = y;
  for (let bit = 127n; bit >= 0n; bit -= 1n) {
    if ((x >> bit) & 1n) product ^= v;
    v = v & 1n ? (v >> 1n) ^ reduction : v >> 1n;
  }
  return product;
}

function inverse(x: bigint): bigint {
  // x^(2^128 - 2)
  let result = 1n << 127n;
  let power = x;
  for (let bit = 1; bit < 128; bit += 1) {
    power = times(power, power);
    result = times(result, power);
  }
  return result;
}

function encryptBlock(key: Buffer, input: Buffer): bigint {
  return block(createCipheriv("aes-256-ecb", key, null).setAutoPadding(false).update(input));
}

/** One block of ciphertext and a tag that are right under both keys, with the same IV and additional data. */
function collide(iv: Buffer, first: Buffer, second: Buffer): { ciphertext: Buffer; tag: Buffer } {
  const counter = Buffer.concat([iv, Buffer.from([0, 0, 0, 1])]);
  const lengths = (128n << 64n) | 128n;
  const known = [first, second].map((key) => {
    const h = encryptBlock(key, Buffer.alloc(16));
    const h2 = times(h, h);
    const rest = times(block(additionalData), times(h2, h)) ^ times(lengths, h) ^ encryptBlock(key, counter);
    return { h2, rest };
  });
  const [a, b] = known;
  const ciphertext = times(a!.rest ^ b!.rest, inverse(a!.h2 ^ b!.h2));
  return { ciphertext: bytes(ciphertext), tag: bytes(times(ciphertext, a!.h2) ^ a!.rest) };
}

function plainGcmOpens(key: Buffer, iv: Buffer, ciphertext: Buffer, tag: Buffer): boolean {
  const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: 16 });
  decipher.setAAD(additionalData).setAuthTag(tag);
  decipher.update(ciphertext);
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
}

describe("key commitment", () => {
  it("KEY-05 CVE-2020-8897 refuses a ciphertext made to open under two data keys, with either commitment", () => {
    const header = Buffer.concat([Buffer.from([1, 1]), randomBytes(28)]);
    const iv = header.subarray(18);
    const derive = (dataKey: Buffer) => {
      const info = Buffer.concat([
        Buffer.from("gatehouse/committing-aead/v1"),
        header,
        additionalData,
        Buffer.from([1]),
      ]);
      const output = createHmac("sha512", dataKey).update(info).digest();
      return { dataKey, encryption: output.subarray(0, 32), commitment: output.subarray(32) };
    };
    const readers = [derive(randomBytes(32)), derive(randomBytes(32))];
    const { ciphertext, tag } = collide(iv, readers[0]!.encryption, readers[1]!.encryption);

    for (const reader of readers) expect(plainGcmOpens(reader.encryption, iv, ciphertext, tag)).toBe(true);
    for (const owner of readers) {
      const forged = Buffer.concat([header, owner.commitment, ciphertext, tag]);
      const opening = readers.filter((reader) => open(reader.dataKey, additionalData, forged) !== undefined);
      expect(opening).toEqual([owner]);
    }
  });
});
