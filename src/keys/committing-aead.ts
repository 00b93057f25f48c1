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
import { createCipheriv, createDecipheriv, createSecretKey, randomFillSync, timingSafeEqual } from "node:crypto";
import { createHmacKey, eraseHmacKey, type HmacKey, hmac } from "../kernel/hmac.ts";

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
const tagOptions = { authTagLength: tagBytes } as const;

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

interface MessageKeys {
  readonly encryption: Buffer;
  readonly commitment: Buffer;
  readonly erase: () => void;
}

/** For a key that is used again and again. It may be erased afterwards. */
export function createAeadKey(key: Buffer): HmacKey {
  if (key.length !== aeadKeyBytes) throw new RangeError("an AEAD key has 32 bytes");
  return createHmacKey("sha512", key);
}

function expand(key: AeadKey, info: Buffer): Buffer {
  if (!Buffer.isBuffer(key)) return hmac(key, info);
  const once = createAeadKey(key);
  const output = hmac(once, info);
  eraseHmacKey(once);
  return output;
}

// A key passed to node:crypto as a Buffer costs 13 us a call, as a KeyObject made on the spot 2 us.
function messageKeys(key: AeadKey, header: Buffer, additionalData: Buffer): MessageKeys {
  const info = Buffer.concat([label, header, additionalData, lastCounter]);
  const output = expand(key, info);
  return { encryption: output.subarray(0, 32), commitment: output.subarray(32), erase: () => output.fill(0) };
}

export function seal(key: AeadKey, additionalData: Buffer, plaintext: Uint8Array): Buffer {
  // Every byte of it is written below.
  const sealed = Buffer.allocUnsafe(sealedOverhead + plaintext.byteLength);
  sealed.writeUInt8(formatVersion, 0);
  sealed.writeUInt8(algorithmId, 1);
  writeFreshRandom(sealed);
  const keys = messageKeys(key, sealed.subarray(0, headerEnd), additionalData);
  keys.commitment.copy(sealed, headerEnd);
  const iv = sealed.subarray(ivStart, headerEnd);
  const cipher = createCipheriv(cipherName, createSecretKey(keys.encryption), iv, tagOptions);
  keys.erase();
  cipher.setAAD(additionalData);
  cipher.update(plaintext).copy(sealed, commitmentEnd);
  cipher.final();
  cipher.getAuthTag().copy(sealed, sealed.length - tagBytes);
  return sealed;
}

function decrypt(encryptionKey: Buffer, additionalData: Buffer, sealed: Buffer): Buffer | undefined {
  const iv = sealed.subarray(ivStart, headerEnd);
  const decipher = createDecipheriv(cipherName, createSecretKey(encryptionKey), iv, tagOptions);
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
  const keys = messageKeys(key, sealed.subarray(0, headerEnd), additionalData);
  const committed = timingSafeEqual(keys.commitment, sealed.subarray(headerEnd, commitmentEnd));
  const plaintext = decrypt(keys.encryption, additionalData, sealed);
  keys.erase();
  if (committed) return plaintext;
  plaintext?.fill(0);
  return undefined;
}
