// A request of the web door and its answer, in the words that HTTP/1.1 and HTTP/2 share in Node.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

export type WebRequest = IncomingMessage | Http2ServerRequest;
export type WebResponse = ServerResponse | Http2ServerResponse;

export function isHttp2(request: WebRequest): request is Http2ServerRequest {
  return request.httpVersionMajor === 2;
}

/** All values of a header, in the order they came in: node:http keeps the first of two and says nothing of the other. */
export function headerValues(request: WebRequest, name: string): readonly string[] {
  const { rawHeaders } = request;
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === name) values.push(rawHeaders[i + 1] ?? "");
  }
  return values;
}

/** The one value of a header; undefined when there is none or more than one. */
export function singleHeader(request: WebRequest, name: string): string | undefined {
  const [value, ...more] = headerValues(request, name);
  return more.length === 0 ? value : undefined;
}

/** Octets as HTTP/2 counts them (RFC 9113 section 6.5.2). */
export function headerBytes({ rawHeaders }: WebRequest): number {
  return rawHeaders.reduce((sum, text) => sum + text.length + 16, 0);
}

export function pathOf(request: WebRequest): string {
  const url = request.url ?? "";
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

/** True once the caller is gone, whether or not it has its answer. */
export function isGone(response: WebResponse): boolean {
  return "stream" in response ? response.stream === undefined || response.stream.destroyed : response.destroyed;
}

/** Whether something can still be written. */
export function isOpen(response: WebResponse): boolean {
  return !response.writableEnded && !isGone(response);
}
