// HMAC (RFC 2104) over node:crypto's hash in one call. Every object of createHmac is held by native code, so it outlives two
// collections of young garbage and waits for a full one; a recorded call made five. Measured on an issued token: see
// docs/decisions/0054-hmac-in-one-call.md. Tests hold it against createHmac and the vectors of RFC 4231.
import { hash } from "node:crypto";

const blockBytes = { sha256: 64, sha512: 128 } as const;

export type HmacAlgorithm = keyof typeof blockBytes;

/** A key, ready for use: its two blocks. As secret as the key. */
export interface HmacKey {
  readonly algorithm: HmacAlgorithm;
  readonly inner: Buffer;
  readonly outer: Buffer;
}

const innerPad = 0x36;
const outerPad = 0x5c;

/** At the start of `target`. Throws RangeError when the key is longer than the block. */
function writeBlock(target: Buffer, key: Uint8Array, pad: number, bytes: number): void {
  if (key.length > bytes) throw new RangeError("an HMAC key is at most a block of its hash");
  for (let at = 0; at < key.length; at += 1) target[at] = (key[at] ?? 0) ^ pad;
  target.fill(pad, key.length, bytes);
}

function block(key: Uint8Array, pad: number, bytes: number): Buffer {
  // Not from the pool that small buffers share: it holds a key.
  const filled = Buffer.alloc(bytes);
  writeBlock(filled, key, pad, bytes);
  return filled;
}

/** `key` has at most a block of the hash: 64 bytes of SHA-256, 128 of SHA-512. It may be erased afterwards. */
export function createHmacKey(algorithm: HmacAlgorithm, key: Uint8Array): HmacKey {
  const bytes = blockBytes[algorithm];
  return { algorithm, inner: block(key, innerPad, bytes), outer: block(key, outerPad, bytes) };
}

export function eraseHmacKey({ inner, outer }: HmacKey): void {
  inner.fill(0);
  outer.fill(0);
}

/** Hashes a block of the key, which `putBlock` writes at the start of what is hashed, and the parts that follow it. */
function hashBehind(
  algorithm: HmacAlgorithm,
  putBlock: (target: Buffer) => void,
  following: readonly (Uint8Array | string)[],
  encoding: "binary" | "hex",
): string {
  const bytes = blockBytes[algorithm];
  let end = bytes;
  for (const part of following) end += part.length;
  const input = Buffer.allocUnsafe(end);
  putBlock(input);
  let at = bytes;
  for (const part of following) {
    if (typeof part === "string") input.write(part, at, "latin1");
    else input.set(part, at);
    at += part.length;
  }
  const digest = hash(algorithm, input, encoding);
  input.fill(0, 0, bytes);
  return digest;
}

/**
 * Of the parts, one behind the other, as text of one character (0 to 255) a byte: a third of what a Buffer made by native code
 * costs, and node:crypto takes it as a key.
 */
export function hmacText({ algorithm, inner, outer }: HmacKey, ...message: readonly Uint8Array[]): string {
  const digest = hashBehind(algorithm, (input) => input.set(inner), message, "binary");
  return hashBehind(algorithm, (input) => input.set(outer), [digest], "binary");
}

export function hmac(key: HmacKey, message: Uint8Array): Buffer {
  return Buffer.from(hmacText(key, message), "latin1");
}

/** HMAC-SHA-256 in lower-case hex, under a key that is used this once: no blocks are kept. At most 64 bytes, as above. */
export function hmacOnce(key: Uint8Array, message: Uint8Array): string {
  const put = (pad: number) => (input: Buffer) => writeBlock(input, key, pad, blockBytes.sha256);
  return hashBehind("sha256", put(outerPad), [hashBehind("sha256", put(innerPad), [message], "binary")], "hex");
}
