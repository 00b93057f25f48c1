// The sealed format: what opens, and that nothing else does.
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAeadKey, open, seal, sealedOverhead, sealInto } from "../../../src/keys/committing-aead.ts";
import vectors from "../../fixtures/vectors/committing-aead.json" with { type: "json" };

const key = randomBytes(32);
const place = Buffer.from("row 1");
const plaintext = Buffer.from("the plaintext, a little longer than one block");

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

describe("committing AEAD", () => {
  it.each(vectors.vectors.map((vector, at) => [at, vector] as const))(
    "opens vector %i of the independent implementation",
    (_at, vector) => {
      const opened = open(
        Buffer.from(vector.key, "hex"),
        Buffer.from(vector.additionalData, "hex"),
        Buffer.from(vector.sealed, "hex"),
      );
      expect(opened?.toString("hex")).toBe(vector.plaintext);
    },
  );

  it("opens what it sealed, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 100 }), (message, data) => {
        const sealed = seal(key, Buffer.from(data), message);
        expect(sealed.length).toBe(message.length + sealedOverhead);
        expect(open(key, Buffer.from(data), sealed)).toEqual(Buffer.from(message));
      }),
    );
  });

  it("takes the key as it is or made ready", () => {
    expect(open(createAeadKey(key), place, seal(key, place, plaintext))).toEqual(plaintext);
    expect(open(key, place, seal(createAeadKey(key), place, plaintext))).toEqual(plaintext);
  });

  it("seals into room of the right size, and into no other", () => {
    const room = Buffer.alloc(4 + plaintext.length + sealedOverhead, 7);
    sealInto(room.subarray(4), key, place, plaintext);
    expect(room.subarray(0, 4)).toEqual(Buffer.alloc(4, 7));
    expect(open(key, place, room.subarray(4))).toEqual(plaintext);
    for (const change of [-1, 1])
      expect(() => sealInto(Buffer.alloc(plaintext.length + sealedOverhead + change), key, place, plaintext)).toThrow(
        RangeError,
      );
  });

  it("KEY-05 opens nothing when any single byte of the sealed value is changed", () => {
    const sealed = seal(key, place, plaintext);
    for (let at = 0; at < sealed.length; at += 1)
      expect(open(key, place, flipped(sealed, at)), `byte ${at}`).toBeUndefined();
  });

  it("KEY-04 KEY-05 opens nothing under another key or another binding", () => {
    const sealed = seal(key, place, plaintext);
    expect(open(flipped(key, 31), place, sealed)).toBeUndefined();
    expect(open(key, Buffer.from("row 2"), sealed)).toBeUndefined();
    expect(open(key, Buffer.alloc(0), sealed)).toBeUndefined();
  });

  it("KEY-04 opens nothing that is put together from the parts of two sealed values", () => {
    const borders = [0, 2, 18, 30, 62, 62 + plaintext.length, plaintext.length + sealedOverhead];
    const one = seal(key, place, plaintext);
    const other = seal(key, place, plaintext);
    for (let swapped = 2; swapped < 2 ** 6 - 1; swapped += 1) {
      const parts = borders.slice(1).map((end, at) => ((swapped >> at) & 1 ? other : one).subarray(borders[at], end));
      const mixed = Buffer.concat(parts);
      if (mixed.equals(one) || mixed.equals(other)) continue;
      expect(open(key, place, mixed), `parts ${swapped.toString(2)}`).toBeUndefined();
    }
  });

  it("KEY-02 opens nothing whose tag is short, cut at any length", () => {
    const sealed = seal(key, place, plaintext);
    for (let cut = 1; cut <= sealed.length; cut += 1)
      expect(open(key, place, sealed.subarray(0, sealed.length - cut))).toBeUndefined();
    expect(open(key, place, seal(key, place, Buffer.alloc(0)).subarray(0, sealedOverhead - 4))).toBeUndefined();
  });

  it("KEY-10 opens no format and no algorithm that it does not know, and does not crash", () => {
    const sealed = seal(key, place, plaintext);
    for (const at of [0, 1]) {
      for (let id = 0; id < 256; id += 1) {
        const other = Buffer.from(sealed);
        other[at] = id;
        if (id !== 1) expect(open(key, place, other)).toBeUndefined();
      }
    }
  });

  it("KEY-05 opens no arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => open(key, place, Buffer.from(bytes)) === undefined),
    );
  });

  it("KEY-01 never uses salt and IV twice in 10^5 messages, nor the same IV alone", () => {
    const nonces = new Set<string>();
    const ivs = new Set<string>();
    for (let count = 0; count < 100_000; count += 1) {
      const sealed = seal(key, place, Buffer.alloc(0));
      nonces.add(sealed.toString("latin1", 2, 30));
      ivs.add(sealed.toString("latin1", 18, 30));
    }
    expect(nonces.size).toBe(100_000);
    expect(ivs.size).toBe(100_000);
  });

  it("KEY-01 encrypts every message under a key of its own: the commitments differ", () => {
    const commitments = Array.from({ length: 100 }, () => seal(key, place, plaintext).toString("hex", 30, 62));
    expect(new Set(commitments).size).toBe(100);
  });

  it("KEY-11 refuses keys that are not 256 bits long", () => {
    for (const length of [0, 16, 24, 31, 33, 64]) {
      expect(() => seal(Buffer.alloc(length, 7), place, plaintext)).toThrow(RangeError);
      expect(() => open(Buffer.alloc(length, 7), place, seal(key, place, plaintext))).toThrow(RangeError);
    }
  });
});
