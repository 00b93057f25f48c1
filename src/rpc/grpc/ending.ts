// The end of a stream that was answered before its request was read.
import { constants, type ServerHttp2Stream } from "node:http2";

function closeUnlessEnded(stream: ServerHttp2Stream): void {
  if (!stream.readableEnded && !stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
}

/** What the caller still sends is of no use to anybody, and its stream would count until it ended (RFC 9113 section 8.1). */
export function closeSoon(stream: ServerHttp2Stream): void {
  setImmediate(closeUnlessEnded, stream);
}
