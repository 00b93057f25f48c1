// Authenticated encryption that commits to its key: a sealed value opens under one key and one binding, never under
// two (CVE-2020-8897 is what plain AES-GCM allows). The bytes describe themselves:
//
//   0   1  format version (1)
//   1   1  algorithm (1 = AES-256-GCM, key and commitment by HKDF-Expand with SHA-512)
//   2  16  salt, random      } 28 fresh random bytes per message: the key of every message is its own, so the
//   18 12  IV, random        } 2^32 limit of SP 800-38D on one key with random IVs is never approached
//   30 32  commitment
//   62  n  ciphertext
//   ..  16 tag, never truncated
//
// HKDF-Expand (RFC 5869 section 2.3) with a 64-byte output is one HMAC-SHA-512: T(1) = HMAC(key, info || 0x01). The
// extract step is left out, as RFC 5869 section 3.3 allows, since every key given here is uniformly random. `info`
// holds the header and the additional data, so the commitment covers key, salt, IV and binding.
import { type CipherGCMOptions, createCipheriv, createDecipheriv, randomFillSync, timingSafeEqual } from "node:crypto";
import { createHmacKey, eraseHmacKey, type HmacKey, hmacText } from "../kernel/hmac.ts";

/** 32 uniformly random bytes, as they are or made ready by `createAeadKey`. */
export type AeadKey = Buffer | HmacKey;

export const aeadKeyBytes = 32;

const formatVersion = 1;
const algorithmId = 1;
const cipherName = "aes-256-gcm";
const label = Buffer.from("gatehouse/committing-aead/v1", "ascii");
const lastCounter = Buffer.from([1]);
const saltStart = 2;
const ivStart = 18;
const headerEnd = 30;
const commitmentEnd = 62;
const tagBytes = 16;
// A key as text costs node:crypto 1 us less than a KeyObject made on the spot, which also waits for a full collection, and
// 12 less than a Buffer, of which it finds out by an exception that it is no KeyObject. Types know of the stream's option only.
const cipherOptions: CipherGCMOptions = { authTagLength: tagBytes, encoding: "latin1" };

/** How many bytes a sealed value is longer than its plaintext. */
export const sealedOverhead = commitmentEnd + tagBytes;

// Asking the system for 28 bytes costs ten times what copying them does. Each is given out once; none is a secret.
const pool = Buffer.alloc(256 * (headerEnd - saltStart));
let used = pool.length;

function writeFreshRandom(target: Buffer): void {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const end = used + headerEnd - saltStart;
  pool.copy(target, saltStart, used, end);
  used = end;
}

/** For a key that is used again and again. It may be erased afterwards. */
export function createAeadKey(key: Buffer): HmacKey {
  if (key.length !== aeadKeyBytes) throw new RangeError("an AEAD key has 32 bytes");
  return createHmacKey("sha512", key);
}

interface MessageKeys {
  readonly encryption: string;
  readonly commitment: string;
}

/** As text of one character a byte. */
function messageKeys(key: AeadKey, header: Buffer, additionalData: Buffer): MessageKeys {
  const ready = Buffer.isBuffer(key) ? createAeadKey(key) : key;
  const output = hmacText(ready, label, header, additionalData, lastCounter);
  if (ready !== key) eraseHmacKey(ready);
  return { encryption: output.slice(0, aeadKeyBytes), commitment: output.slice(aeadKeyBytes) };
}

/** Fills `sealed`, which is `sealedOverhead` longer than the plaintext. */
export function sealInto(sealed: Buffer, key: AeadKey, additionalData: Buffer, plaintext: Uint8Array): void {
  if (sealed.length !== plaintext.byteLength + sealedOverhead)
    throw new RangeError("no room of the right size to seal in");
  sealed.writeUInt8(formatVersion, 0);
  sealed.writeUInt8(algorithmId, 1);
  writeFreshRandom(sealed);
  const { encryption, commitment } = messageKeys(key, sealed.subarray(0, headerEnd), additionalData);
  sealed.write(commitment, headerEnd, "latin1");
  const cipher = createCipheriv(cipherName, encryption, sealed.subarray(ivStart, headerEnd), cipherOptions);
  cipher.setAAD(additionalData);
  sealed.set(cipher.update(plaintext), commitmentEnd);
  cipher.final();
  sealed.set(cipher.getAuthTag(), sealed.length - tagBytes);
}

export function seal(key: AeadKey, additionalData: Buffer, plaintext: Uint8Array): Buffer {
  const sealed = Buffer.allocUnsafe(sealedOverhead + plaintext.byteLength);
  sealInto(sealed, key, additionalData, plaintext);
  return sealed;
}

function decrypt(encryptionKey: string, additionalData: Buffer, sealed: Buffer): Buffer | undefined {
  const iv = sealed.subarray(ivStart, headerEnd);
  const decipher = createDecipheriv(cipherName, encryptionKey, iv, cipherOptions);
  decipher.setAAD(additionalData);
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  const plaintext = decipher.update(sealed.subarray(commitmentEnd, sealed.length - tagBytes));
  try {
    decipher.final();
    return plaintext;
  } catch {
    plaintext.fill(0);
    return undefined;
  }
}

/**
 * The plaintext, or undefined when anything at all is wrong: length, format, algorithm, key, binding, any byte. Both
 * checks always run, so that the time does not tell which one failed.
 */
export function open(key: AeadKey, additionalData: Buffer, sealed: Buffer): Buffer | undefined {
  if (sealed.length < sealedOverhead || sealed[0] !== formatVersion || sealed[1] !== algorithmId) return undefined;
  const { encryption, commitment } = messageKeys(key, sealed.subarray(0, headerEnd), additionalData);
  const committed = timingSafeEqual(Buffer.from(commitment, "latin1"), sealed.subarray(headerEnd, commitmentEnd));
  const plaintext = decrypt(encryption, additionalData, sealed);
  if (committed) return plaintext;
  plaintext?.fill(0);
  return undefined;
}
