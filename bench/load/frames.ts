// The little of HTTP/2 (RFC 9113) and HPACK (RFC 7541) that a load generator needs: requests as ready bytes, answers told
// apart by frame headers. A full client would spend more CPU than the server it measures.

export const frameType = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
} as const;
export const flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4 } as const;
export const frameHeaderBytes = 9;

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(frameHeaderBytes + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(payload, frameHeaderBytes);
  return bytes;
}

/** Preface and settings that let the peer send as much as it likes. */
export function connectionStart(): Buffer {
  const settings = Buffer.alloc(12);
  settings.writeUInt16BE(0x4, 0); // SETTINGS_INITIAL_WINDOW_SIZE
  settings.writeUInt32BE(0x7fffffff, 2);
  settings.writeUInt16BE(0x1, 6); // SETTINGS_HEADER_TABLE_SIZE
  settings.writeUInt32BE(0, 8);
  const window = Buffer.alloc(4);
  window.writeUInt32BE(0x7fffffff - 65_535);
  return Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    frame(frameType.settings, 0, 0, settings),
    frame(frameType.windowUpdate, 0, 0, window),
  ]);
}

function integer(prefixBits: number, first: number, value: number): number[] {
  const limit = (1 << prefixBits) - 1;
  if (value < limit) return [first | value];
  const bytes = [first | limit];
  let rest = value - limit;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from(integer(7, 0, bytes.length)), bytes]);
}

/** Literal without indexing, its name from the static table. */
function named(index: number, value: string): Buffer {
  return Buffer.concat([Buffer.from(integer(4, 0, index)), text(value)]);
}

export function requestHeaders(path: string, authorization: string | undefined): Buffer {
  const parts = [
    Buffer.from([0x83, 0x86]), // :method POST, :scheme http
    named(4, path),
    named(1, "localhost"),
    named(31, "application/grpc"),
    Buffer.concat([Buffer.from([0]), text("te"), text("trailers")]),
  ];
  if (authorization !== undefined) parts.push(named(23, authorization));
  return Buffer.concat(parts);
}

/** HEADERS and DATA of one call, with the stream id still open; `streamIdAt` says where it goes. */
export function requestFrames(
  headers: Buffer,
  message: Uint8Array,
): { readonly bytes: Buffer; readonly streamIdAt: readonly [number, number] } {
  const prefixed = Buffer.alloc(5 + message.length);
  prefixed.writeUInt32BE(message.length, 1);
  prefixed.set(message, 5);
  const head = frame(frameType.headers, flag.endHeaders, 0, headers);
  const data = frame(frameType.data, flag.endStream, 0, prefixed);
  return { bytes: Buffer.concat([head, data]), streamIdAt: [5, head.length + 5] };
}
