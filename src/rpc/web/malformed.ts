// The answer to bytes that are no HTTP/1.1 request. Node has no response object for them, so it is written by hand, and it
// looks like every other answer of the door.
import type { Duplex } from "node:stream";
import { securityHeaders } from "./headers.ts";

const statuses: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Content Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** Not the reason of the parser: it quotes what it read. */
const body = JSON.stringify({ code: "invalid_argument", message: "the request is not HTTP" });

export function refuseSocket(error: (Error & { readonly code?: string }) | undefined, socket: Duplex): void {
  if (error?.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = statuses[error?.code ?? ""] ?? "400 Bad Request";
  const headers = {
    ...securityHeaders("encrypted" in socket && socket.encrypted === true),
    "content-type": "application/json",
    "content-length": String(body.length),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n${body}`, () => socket.destroy());
}
