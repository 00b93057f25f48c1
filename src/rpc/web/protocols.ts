// What Connect (connectrpc.com/docs/protocol) and gRPC-Web (grpc/grpc, PROTOCOL-WEB.md) fix once for all: content types, flags of
// envelopes, names and HTTP statuses of codes. @connectrpc/connect knows them too, as internals of fifty modules that would be
// loaded for these few lines; a test holds the two together.
import { codeName } from "../../kernel/code-names.ts";

/** Of the envelope that says how a Connect stream ended. */
export const endStreamFlag = 0b10;
/** Of the envelope that holds the trailers of gRPC-Web. */
export const trailerFlag = 0b1000_0000;

const connectType = /^application\/(connect\+)?(?:json(?:; ?charset=utf-?8)?|(proto))$/i;
const grpcWebType = /^application\/grpc-web(-text)?(?:\+(?:(json)(?:; ?charset=utf-?8)?|proto))?$/i;

export function parseConnect(contentType: string): { readonly stream: boolean; readonly binary: boolean } | undefined {
  const match = connectType.exec(contentType);
  return match === null ? undefined : { stream: match[1] !== undefined, binary: match[2] !== undefined };
}

export function parseGrpcWeb(contentType: string): { readonly text: boolean; readonly binary: boolean } | undefined {
  const match = grpcWebType.exec(contentType);
  return match === null ? undefined : { text: match[1] !== undefined, binary: match[2] === undefined };
}

/** Connect's name of a gRPC code, such as `invalid_argument`. */
export function connectCode(code: number): string {
  return code === 1 ? "canceled" : codeName(code).toLowerCase();
}

/** By gRPC code; 0 is never asked for. */
const httpStatuses = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

export function httpStatusOfCode(code: number): number {
  return httpStatuses[code] ?? 500;
}
