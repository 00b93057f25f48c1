// An ECDSA signature over P-256 in its two forms: R||S, 32 bytes each (RFC 7518 section 3.4), and the DER of
// SEQUENCE { INTEGER r, INTEGER s } (RFC 3279 section 2.2.3).

const halfBytes = 32;
export const rawSignatureBytes = 2 * halfBytes;

const sequenceTag = 0x30;
const integerTag = 0x02;
const signBit = 0x80;

/** Where the number begins; the last byte is one even when it is nought. */
function firstDigit(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end - 1 && bytes[at] === 0) at += 1;
  return at;
}

/** Writes the half of `raw` that begins at `start` as an INTEGER, and answers where it ends. */
function writeInteger(der: Buffer, offset: number, raw: Uint8Array, start: number): number {
  const end = start + halfBytes;
  const first = firstDigit(raw, start, end);
  // A number whose first bit is set would be read as negative.
  const padding = (raw[first] ?? 0) >= signBit ? 1 : 0;
  const length = padding + end - first;
  der[offset] = integerTag;
  der[offset + 1] = length;
  if (padding === 1) der[offset + 2] = 0;
  der.set(raw.subarray(first, end), offset + 2 + padding);
  return offset + 2 + length;
}

/** `raw` has `rawSignatureBytes`. Any such bytes have a form in DER; whether they are a signature is for the key to say. */
export function derOf(raw: Uint8Array): Buffer {
  if (raw.length !== rawSignatureBytes) throw new RangeError("an ECDSA signature over P-256 has 64 bytes");
  const der = Buffer.allocUnsafe(2 + 2 * (2 + 1 + halfBytes));
  const end = writeInteger(der, writeInteger(der, 2, raw, 0), raw, halfBytes);
  der[0] = sequenceTag;
  der[1] = end - 2;
  return der.subarray(0, end);
}

/** Reads the INTEGER at `offset` into the half of `raw` that ends at `end`, and answers where it ended. */
function readInteger(der: Buffer, offset: number, raw: Buffer, end: number): number {
  const stop = offset + 2 + (der[offset + 1] ?? 0);
  const first = firstDigit(der, offset + 2, stop);
  der.copy(raw, end - (stop - first), first, stop);
  return stop;
}

/** Of what OpenSSL wrote; not for signatures from elsewhere, whose DER nobody has checked. */
export function rawOf(der: Buffer): Buffer {
  const raw = Buffer.alloc(rawSignatureBytes);
  readInteger(der, readInteger(der, 2, raw, halfBytes), raw, rawSignatureBytes);
  return raw;
}
