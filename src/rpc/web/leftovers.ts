// What is left of a request when its answer is there: who was refused may still be sending. Until an HTTP/1.1 request has
// come to its end, the bytes that follow are not the next one, and a client whose connection is closed while it sends may
// never see the answer (RFC 9112 section 9.6).
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { singleHeader } from "./message.ts";

/** Up to this size the rest is read and thrown away, so that the connection may live on. */
const worthReading = 64 * 1024;

/** Of a request that is not worth it, so that its client comes to read the answer. */
const mostBytes = 1024 * 1024;
const longestMs = 2_000;

/** Whether the connection can serve another request after this one. */
export function mayLiveOn(request: IncomingMessage): boolean {
  const length = singleHeader(request, "content-length");
  if (length === undefined) return singleHeader(request, "transfer-encoding") === undefined;
  return Number(length) <= worthReading;
}

/** Calls back once: with true when the request has come to its end, with false when that takes too much or too long. */
export function readAway(request: IncomingMessage | Http2ServerRequest, done: (whole: boolean) => void): void {
  let left = mostBytes;
  const settle = (whole: boolean): void => {
    clearTimeout(timer);
    request.off("data", count);
    request.off("end", onEnd);
    request.off("close", onClose);
    done(whole);
  };
  const count = (chunk: Uint8Array): void => {
    left -= chunk.byteLength;
    if (left < 0) settle(false);
  };
  const onEnd = () => settle(true);
  const onClose = () => settle(request.complete);
  const timer = setTimeout(() => settle(false), longestMs);
  request.on("end", onEnd);
  request.on("close", onClose);
  // Not `resume`: whoever gave up in the middle may still listen for `readable`, which stops a bare resume.
  request.on("data", count);
  request.on("error", () => {});
}
