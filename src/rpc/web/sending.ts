// Writes answers: in one piece, or message by message no faster than the caller reads.
import type { JsonValue } from "@bufbuild/protobuf";
import { setHeaders } from "./headers.ts";
import type { WebConnection } from "./listener.ts";
import { headerValues, isHttp2, isOpen, singleHeader, type WebRequest, type WebResponse } from "./message.ts";

export interface WebCall {
  readonly request: WebRequest;
  readonly response: WebResponse;
  readonly connection: WebConnection;
}

type Headers = Readonly<Record<string, string>>;

export interface WholeAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly headers?: Headers | undefined;
}

export interface Sender {
  /** The whole answer. Nothing happens when the caller is gone. */
  whole(call: WebCall, answer: WholeAnswer): void;
  json(
    call: WebCall,
    answer: { readonly status: number; readonly value: JsonValue; readonly headers?: Headers | undefined },
  ): void;
  /** Resolves when there is room for more; false when the caller is gone or has stopped reading. */
  piece(response: WebResponse, bytes: Uint8Array): Promise<boolean>;
  end(response: WebResponse, bytes: Uint8Array): void;
}

/** What is left of a request that was refused is read and thrown away up to this size, so that its connection may live on. */
const worthReading = 64 * 1024;

/** Until the request is read to its end, the bytes that follow on an HTTP/1.1 connection are not the next request. */
function letGoOfRequest(request: WebRequest, response: WebResponse): void {
  if (request.complete) return;
  if (isHttp2(request)) {
    response.once("finish", () => request.stream.close());
    return;
  }
  const length = singleHeader(request, "content-length");
  if (length === undefined && singleHeader(request, "transfer-encoding") === undefined) return;
  if (length === undefined || Number(length) > worthReading) response.setHeader("connection", "close");
}

/** A client that waits with its body until it hears that it is welcome (RFC 9110 section 10.1.1). */
export function welcomeBody({ request, response }: Pick<WebCall, "request" | "response">): void {
  if (headerValues(request, "expect").length > 0) response.writeContinue();
}

function room(response: WebResponse, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (open: boolean) => {
      clearTimeout(timer);
      response.off("drain", onDrain);
      response.off("close", onClose);
      resolve(open);
    };
    const onDrain = () => settle(true);
    const onClose = () => settle(false);
    const timer = setTimeout(() => {
      response.destroy();
      settle(false);
    }, withinMs);
    response.on("drain", onDrain);
    response.on("close", onClose);
  });
}

export function createSender(deps: {
  readonly answerMs: number;
  /** True once no connection should be kept: HTTP/1.1 says so with the answer. */
  readonly closing: () => boolean;
}): Sender {
  /** A reader that takes nothing for so long is cut off; each byte that it takes gives it the time anew. */
  function end(response: WebResponse, bytes: Uint8Array | undefined): void {
    response.setTimeout(deps.answerMs, () => response.destroy());
    response.once("finish", () => response.setTimeout(0));
    if (bytes === undefined) response.end();
    else response.end(bytes);
  }

  function whole({ request, response }: WebCall, { status, contentType, body, headers = {} }: WholeAnswer): void {
    if (!isOpen(response)) return;
    response.statusCode = status;
    setHeaders(response, headers);
    response.setHeader("content-type", contentType);
    response.setHeader("content-length", String(body.byteLength));
    letGoOfRequest(request, response);
    if (deps.closing() && !isHttp2(request)) response.setHeader("connection", "close");
    end(response, request.method === "HEAD" ? undefined : body);
  }

  return {
    whole,
    end,
    json: (call, { status, value, headers }) =>
      whole(call, { status, headers, contentType: "application/json", body: Buffer.from(JSON.stringify(value)) }),
    piece: async (response, bytes) => {
      if (!isOpen(response)) return false;
      // ServerResponse and its HTTP/2 twin do not share one signature of write.
      const written = (response.write as (chunk: Uint8Array) => boolean).call(response, bytes);
      return written || room(response, deps.answerMs);
    },
  };
}
