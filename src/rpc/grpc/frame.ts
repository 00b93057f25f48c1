// The length-prefixed message of gRPC's "PROTOCOL-HTTP2": a flag, four bytes of length, the message.
import type { Reason } from "../../kernel/errors.ts";

export const prefixBytes = 5;

/** The one message of a request that is not compressed, or why it cannot be read. Undefined = nothing came. */
export function readFrame(bytes: Buffer | undefined): Buffer | Reason {
  if (bytes === undefined || bytes.byteLength < prefixBytes) return "REQUEST_MALFORMED";
  // Says that it is compressed, and nobody said how.
  if (bytes[0] === 1) return "ENCODING_MISSING";
  if (bytes[0] !== 0 || bytes.readUInt32BE(1) !== bytes.byteLength - prefixBytes) return "REQUEST_MALFORMED";
  return bytes.subarray(prefixBytes);
}

export function frameOf(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(prefixBytes + message.byteLength);
  frame[0] = 0;
  frame.writeUInt32BE(message.byteLength, 1);
  frame.set(message, prefixBytes);
  return frame;
}
