// Messages in their envelopes (a byte of flags, four of length), as gRPC-Web and Connect's streams send them.
import { GatehouseError } from "../../kernel/errors.ts";
import { decompress, type Encoding, tooLarge } from "./body.ts";

const headBytes = 5;
const compressed = 0b1;

export function envelope(flags: number, bytes: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(headBytes + bytes.byteLength);
  framed.writeUInt8(flags, 0);
  framed.writeUInt32BE(bytes.byteLength, 1);
  framed.set(bytes, headBytes);
  return framed;
}

interface Cursor {
  /** Exactly `count` bytes; undefined when nothing is left, and a throw when something is, but less. */
  take(count: number): Promise<Uint8Array | undefined>;
}

/** Each byte is looked at once however small the pieces are that it comes in: joining anew at every piece is quadratic. */
function cursorOver(chunks: AsyncIterator<Uint8Array>): Cursor {
  let held: Uint8Array[] = [];
  let size = 0;
  return {
    async take(count) {
      while (size < count) {
        const next = await chunks.next();
        if (next.done) break;
        held.push(next.value);
        size += next.value.byteLength;
      }
      if (size === 0 && count > 0) return undefined;
      if (size < count) throw new GatehouseError("REQUEST_MALFORMED");
      const [first = new Uint8Array(0)] = held;
      const all = held.length === 1 ? first : Buffer.concat(held, size);
      held = size > count ? [all.subarray(count)] : [];
      size -= count;
      return all.subarray(0, count);
    },
  };
}

export interface EnvelopeBounds {
  readonly encoding: Encoding;
  readonly maxBytes: number;
}

/** The messages of a body. Throws GatehouseError. */
export async function* openEnvelopes(
  chunks: AsyncIterable<Uint8Array>,
  { encoding, maxBytes }: EnvelopeBounds,
): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]();
  const cursor = cursorOver(source);
  try {
    for (;;) {
      const head = await cursor.take(headBytes);
      if (head === undefined) return;
      const view = new DataView(head.buffer, head.byteOffset, headBytes);
      const [flags, length] = [view.getUint8(0), view.getUint32(1)];
      if ((flags & ~compressed) !== 0) throw new GatehouseError("REQUEST_MALFORMED");
      if (flags === compressed && encoding === "identity") throw new GatehouseError("ENCODING_MISSING");
      if (length > maxBytes) throw tooLarge(maxBytes);
      const bytes = length === 0 ? new Uint8Array(0) : await cursor.take(length);
      if (bytes === undefined) throw new GatehouseError("REQUEST_MALFORMED");
      yield flags === compressed ? await decompress(bytes, encoding, maxBytes) : bytes;
    }
  } finally {
    await source.return?.();
  }
}

/** The one message that a unary call has. */
export async function onlyEnvelope(messages: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let only: Uint8Array | undefined;
  for await (const message of messages) {
    if (only !== undefined) throw new GatehouseError("REQUEST_MALFORMED");
    only = message;
  }
  if (only === undefined) throw new GatehouseError("REQUEST_MALFORMED");
  return only;
}
