// Writes answers: in one piece, or message by message no faster than the caller reads.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { JsonValue } from "@bufbuild/protobuf";
import { setHeaders } from "./headers.ts";
import { mayLiveOn, readAway } from "./leftovers.ts";
import type { WebConnection } from "./listener.ts";
import { headerValues, isHttp2, isOpen, type WebRequest, type WebResponse } from "./message.ts";

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
  /** For answers that are nothing but headers. */
  empty(call: WebCall, status: number): void;
  /** Resolves when there is room for more; false when the caller is gone or has stopped reading. */
  piece(response: WebResponse, bytes: Uint8Array): Promise<boolean>;
  /** After the last piece. */
  end(call: WebCall, bytes: Uint8Array): void;
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

function endWith(response: WebResponse, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) response.end();
  else response.end(bytes);
}

/** The answer goes out at once; it ends, and with it perhaps the connection, when its caller has had time to read it. */
function endAfter(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) response.flushHeaders();
  else response.write(bytes);
  readAway(request, (whole) => {
    const { socket } = response;
    response.end();
    if (!whole) socket?.destroySoon();
  });
}

/** Who still sends may wait for room that nobody makes. After a while he is told to stop (RFC 9113 section 8.1). */
function takeRest(request: Http2ServerRequest): void {
  const { stream } = request;
  // Not that of the response, which comes when the stream has closed. Nor is the stream closed at once: what says that the
  // answer is whole leaves after this event, and would not.
  stream.once("finish", () => {
    if (request.complete) return;
    readAway(request, (whole) => {
      if (!whole) stream.close();
    });
  });
}

export function createSender(deps: {
  readonly answerMs: number;
  /** True once no connection should be kept: HTTP/1.1 says so with the answer. */
  readonly closing: () => boolean;
}): Sender {
  /** A reader that takes nothing for so long is cut off; each byte that it takes gives it the time anew. */
  function end({ request, response }: WebCall, bytes: Uint8Array | undefined): void {
    response.setTimeout(deps.answerMs, () => response.destroy());
    response.once("finish", () => response.setTimeout(0));
    if (isHttp2(request)) {
      if (!request.complete) takeRest(request);
      endWith(response, bytes);
    } else if (request.complete) {
      // Bytes that nobody took would hold up what follows them.
      request.resume();
      endWith(response, bytes);
    } else endAfter(request, response as ServerResponse, bytes);
  }

  function head({ request, response }: WebCall, status: number, headers: Headers): void {
    response.statusCode = status;
    setHeaders(response, headers);
    if (isHttp2(request)) return;
    if (deps.closing() || !(request.complete || mayLiveOn(request))) response.setHeader("connection", "close");
  }

  function whole(call: WebCall, { status, contentType, body, headers = {} }: WholeAnswer): void {
    const { request, response } = call;
    if (!isOpen(response)) return;
    head(call, status, { ...headers, "content-type": contentType, "content-length": String(body.byteLength) });
    end(call, request.method === "HEAD" ? undefined : body);
  }

  return {
    whole,
    end,
    empty(call, status) {
      if (!isOpen(call.response)) return;
      head(call, status, {});
      end(call, undefined);
    },
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
