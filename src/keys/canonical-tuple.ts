// One unambiguous byte string for a list of values, so that what is authenticated cannot be read in two ways:
// ("a", "bc") and ("ab", "c") differ, so do 1 and "1". Used for additional data, key contexts and MAC inputs.

export type TuplePart = string | number | Uint8Array;

const headerBytes = 5;
const tags = { text: 0x73, integer: 0x69, bytes: 0x62 } as const;

function partSize(part: TuplePart): number {
  if (typeof part === "number") return headerBytes + 8;
  return headerBytes + (typeof part === "string" ? Buffer.byteLength(part, "utf8") : part.byteLength);
}

function writeHeader(target: Buffer, offset: number, tag: number, length: number): void {
  target.writeUInt8(tag, offset);
  target.writeUInt32BE(length, offset + 1);
}

function writeInteger(target: Buffer, offset: number, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("a tuple holds non-negative safe integers only");
  writeHeader(target, offset, tags.integer, 8);
  target.writeUInt32BE(Math.floor(value / 2 ** 32), offset + headerBytes);
  target.writeUInt32BE(value % 2 ** 32, offset + headerBytes + 4);
  return headerBytes + 8;
}

function writeText(target: Buffer, offset: number, value: string): number {
  // UTF-8 turns every lone surrogate into the same replacement character, so two such texts would share one encoding.
  if (!value.isWellFormed()) throw new RangeError("a tuple holds well-formed text only");
  const length = target.write(value, offset + headerBytes, "utf8");
  writeHeader(target, offset, tags.text, length);
  return headerBytes + length;
}

function writePart(target: Buffer, offset: number, part: TuplePart): number {
  if (typeof part === "number") return writeInteger(target, offset, part);
  if (typeof part === "string") return writeText(target, offset, part);
  writeHeader(target, offset, tags.bytes, part.byteLength);
  target.set(part, offset + headerBytes);
  return headerBytes + part.byteLength;
}

/** Per part: one byte of type, four bytes of length (big endian), the bytes. Distinct lists give distinct bytes. */
export function canonicalTuple(parts: readonly TuplePart[]): Buffer {
  let size = 0;
  for (const part of parts) size += partSize(part);
  const target = Buffer.allocUnsafe(size);
  let offset = 0;
  for (const part of parts) offset += writePart(target, offset, part);
  return target;
}
