// A part of an event that the entry speaks of without showing it. Whoever is given salt and payload can check it against
// the entry; whoever has the entry alone cannot even guess (the salt is random, per event and part). Erasing the salt
// leaves every proof valid and says nothing any more.
import { randomFillSync, timingSafeEqual } from "node:crypto";
import { hmacOnce } from "../../kernel/hmac.ts";

const saltBytes = 32;

// Asking the system for 32 bytes costs ten times what copying them does. A salt is used once and forgotten here.
const pool = Buffer.alloc(128 * saltBytes);
let used = pool.length;

function writeFreshSalt(target: Buffer): void {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  pool.copy(target, 0, used, used + saltBytes);
  pool.fill(0, used, used + saltBytes);
  used += saltBytes;
}

export interface CommittedPart {
  /** What is sealed: the salt, then the payload. */
  readonly plaintext: Buffer;
  /** Lower-case hex of HMAC-SHA-256 with the salt as key over the payload. */
  readonly commitment: string;
}

type Plain = Pick<CommittedPart, "plaintext">;

export function saltOf({ plaintext }: Plain): Buffer {
  return plaintext.subarray(0, saltBytes);
}

/** Canonical JSON of the part. */
export function payloadOf({ plaintext }: Plain): Buffer {
  return plaintext.subarray(saltBytes);
}

function commitmentOf(part: Plain): string {
  return hmacOnce(saltOf(part), payloadOf(part));
}

export function commitTo(canonicalPayload: string): CommittedPart {
  const plaintext = Buffer.allocUnsafe(saltBytes + Buffer.byteLength(canonicalPayload, "utf8"));
  writeFreshSalt(plaintext);
  plaintext.write(canonicalPayload, saltBytes, "utf8");
  return { plaintext, commitment: commitmentOf({ plaintext }) };
}

/** Undefined when the plaintext is not what the entry committed to. */
export function readPart(plaintext: Buffer, commitment: string): CommittedPart | undefined {
  if (plaintext.length < saltBytes) return undefined;
  const expected = Buffer.from(commitment, "hex");
  const actual = Buffer.from(commitmentOf({ plaintext }), "hex");
  return expected.length === actual.length && timingSafeEqual(expected, actual) ? { plaintext, commitment } : undefined;
}
