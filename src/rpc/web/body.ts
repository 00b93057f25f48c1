// Reads a request no further than its method allows: in bytes, before and after decompression, and in time.
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { GatehouseError } from "../../kernel/errors.ts";
import { singleHeader, type WebRequest, type WebResponse } from "./message.ts";

export type Encoding = "gzip" | "identity";

export interface BodyBounds {
  readonly maxBytes: number;
  /** Milliseconds from now by which the whole of it must be here. */
  readonly withinMs: number;
}

const inflate = promisify(gunzip);

export function tooLarge(maxBytes: number): GatehouseError {
  return new GatehouseError("REQUEST_TOO_LARGE", { metadata: { max_bytes: String(maxBytes) } });
}

/** Inflation stops at the limit, so a bomb costs no more than an honest request of that size. */
export async function decompress(bytes: Uint8Array, encoding: Encoding, maxBytes: number): Promise<Uint8Array> {
  if (encoding === "identity" || bytes.byteLength === 0) return bytes;
  try {
    return await inflate(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(maxBytes);
    throw new GatehouseError("REQUEST_MALFORMED", { cause });
  }
}

export interface Call {
  readonly request: WebRequest;
  readonly response: WebResponse;
}

/** The chunks of a stream's requests. A caller that goes away ends them as CANCELLED. */
export async function* chunksOf({ request }: Pick<Call, "request">): AsyncGenerator<Uint8Array> {
  try {
    // A request destroyed because nobody reads on would take its answer along.
    yield* request.iterator({ destroyOnReturn: false });
  } catch (cause) {
    throw new GatehouseError("CANCELLED", { cause });
  }
}

/** The same for a call that has one message, which has only so much time. */
export async function* timedChunksOf({ request, response }: Call, withinMs: number): AsyncGenerator<Uint8Array> {
  const { promise: lost, reject } = Promise.withResolvers<never>();
  lost.catch(() => {});
  const timer = setTimeout(() => reject(new GatehouseError("DEADLINE_EXCEEDED")), withinMs);
  const gone = () => reject(new GatehouseError("CANCELLED"));
  response.once("close", gone);
  const chunks = chunksOf({ request });
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), lost]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
    response.off("close", gone);
    // Not awaited: where time ran out it waits for a piece that may never come. Left open, it would keep what comes.
    void chunks.return(undefined);
  }
}

/** The body of a call that is one message without an envelope. Throws GatehouseError. */
export async function readBody(
  call: Call,
  encoding: Encoding,
  { maxBytes, withinMs }: BodyBounds,
): Promise<Uint8Array> {
  const announced = Number(singleHeader(call.request, "content-length") ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of timedChunksOf(call, withinMs)) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return decompress(Buffer.concat(chunks, size), encoding, maxBytes);
}
