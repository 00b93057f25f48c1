// A part of an event that the entry speaks of without showing it. Whoever is given salt and payload can check it against
// the entry; whoever has the entry alone cannot even guess (the salt is random, per event and part). Erasing the salt
// leaves every proof valid and says nothing any more.
import { randomFillSync, timingSafeEqual } from "node:crypto";
import { hmacOnce } from "../../kernel/hmac.ts";

const saltBytes = 32;

// Asking the system for 32 bytes costs ten times what copying them does. A salt is used once and forgotten here.
const pool = Buffer.alloc(128 * saltBytes);
let used = pool.length;

function freshSalt(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const salt = Buffer.from(pool.subarray(used, used + saltBytes));
  pool.fill(0, used, used + saltBytes);
  used += saltBytes;
  return salt;
}

export interface CommittedPart {
  readonly salt: Buffer;
  /** Canonical JSON of the part. */
  readonly payload: Buffer;
  /** Lower-case hex of HMAC-SHA-256 with the salt as key over the payload. */
  readonly commitment: string;
}

export function commitTo(canonicalPayload: string): CommittedPart {
  const salt = freshSalt();
  const payload = Buffer.from(canonicalPayload, "utf8");
  return { salt, payload, commitment: hmacOnce(salt, payload) };
}

/** What is sealed: the salt, then the payload. */
export function plaintextOf(part: CommittedPart): Buffer {
  return Buffer.concat([part.salt, part.payload]);
}

/** Undefined when the plaintext is not what the entry committed to. */
export function readPart(plaintext: Buffer, commitment: string): CommittedPart | undefined {
  if (plaintext.length < saltBytes) return undefined;
  const salt = plaintext.subarray(0, saltBytes);
  const payload = plaintext.subarray(saltBytes);
  const expected = Buffer.from(commitment, "hex");
  const actual = Buffer.from(hmacOnce(salt, payload), "hex");
  return expected.length === actual.length && timingSafeEqual(expected, actual)
    ? { salt, payload, commitment }
    : undefined;
}
