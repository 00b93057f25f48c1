// Reads DER (X.690), as much of it as certificates and lists of revoked ones need. Lengths are checked before anything is
// cut out; what is not DER throws a RangeError.

export interface DerValue {
  /** The tag byte, class and form included: 0x30 for a SEQUENCE. */
  readonly tag: number;
  /** Without tag and length. */
  readonly content: Buffer;
  /** With them. */
  readonly whole: Buffer;
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

const longForm = 0x80;
const mostLengthBytes = 4;

/** Where the content begins and where it ends. */
function extent(bytes: Buffer, at: number): { readonly from: number; readonly to: number } {
  const first = bytes.readUInt8(at + 1);
  const from = at + 2;
  if (first < longForm) return { from, to: from + first };
  const count = first - longForm;
  if (count === 0 || count > mostLengthBytes) throw new RangeError("a length that is not DER");
  return { from: from + count, to: from + count + bytes.readUIntBE(from, count) };
}

/** The value that begins at `at`. */
function readAt(bytes: Buffer, at: number): DerValue {
  const { from, to } = extent(bytes, at);
  if (to > bytes.length) throw new RangeError("a value that is longer than what holds it");
  return { tag: bytes.readUInt8(at), content: bytes.subarray(from, to), whole: bytes.subarray(at, to) };
}

/** The values that stand in a row, one at a time. */
export function* derValues(bytes: Buffer): Generator<DerValue, void> {
  for (let at = 0; at < bytes.length; ) {
    const value = readAt(bytes, at);
    at += value.whole.length;
    yield value;
  }
}

export function childrenOf(value: DerValue): readonly DerValue[] {
  return [...derValues(value.content)];
}

/** The one value that `bytes` are, of the tag that is expected. */
export function derValue(bytes: Buffer, tag: number): DerValue {
  const value = readAt(bytes, 0);
  if (value.tag !== tag || value.whole.length !== bytes.length) throw new RangeError("another value than expected");
  return value;
}

const arc = 0x80;

/** Dotted form of the content of an OBJECT IDENTIFIER. */
export function oidText(content: Buffer): string {
  const arcs: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * arc + (byte & (arc - 1));
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError("an identifier that is too long");
    if (byte >= arc) continue;
    arcs.push(value);
    value = 0;
  }
  const [first = 0, ...rest] = arcs;
  const top = Math.min(Math.floor(first / 40), 2);
  return [top, first - top * 40, ...rest].join(".");
}

/** RFC 5280 section 4.1.2.5: two digits of a year up to 2049, four after it; always in UTC with seconds. */
export function derTime({ tag, content }: DerValue): Date {
  const digits = content.toString("latin1");
  const short = tag === tags.utcTime;
  const form = short
    ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
    : /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
  const found = short || tag === tags.generalizedTime ? form.exec(digits) : null;
  if (found === null) throw new RangeError("a time in another form");
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = found.slice(1).map(Number);
  const century = short ? (year < 50 ? 2000 : 1900) : 0;
  return new Date(Date.UTC(century + year, month - 1, day, hour, minute, second));
}
