// Headers before the answer, and trailers after a stream: what no method of ours has, written where Node writes them, so
// that the doors are tested as they are.

import { ServerResponse } from "node:http";
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { caseHeader, type Pairs, type Script, type Scripts } from "./scripted-chain.ts";

function merged(headers: OutgoingHttpHeaders | undefined, ...more: readonly Pairs[]): OutgoingHttpHeaders {
  const all: OutgoingHttpHeaders = { ...headers };
  for (const pairs of more)
    for (const [name, value] of Object.entries(pairs)) if (all[name] === undefined) all[name] = value.split(", ");
  return all;
}

type Respond = (headers?: OutgoingHttpHeaders, options?: { endStream?: boolean; waitForTrailers?: boolean }) => void;
type SendTrailers = (headers: OutgoingHttpHeaders) => void;

/** gRPC over HTTP/2, and whatever else HTTP/2 carries. */
function writeOnHttp2(scripts: Scripts): void {
  const names = new WeakMap<object, string>();
  const scriptOf = (stream: object): Script | undefined => scripts.get(names.get(stream) ?? "");
  let patched = false;

  function patch(stream: ServerHttp2Stream): void {
    patched = true;
    const prototype = Object.getPrototypeOf(stream) as { respond: Respond; sendTrailers: SendTrailers };
    const { respond, sendTrailers } = prototype;
    prototype.respond = function scripted(this: ServerHttp2Stream, headers, options) {
      const script = scriptOf(this);
      const status = Object.entries(headers ?? {}).filter(([name]) => name.startsWith("grpc-"));
      const plain = Object.keys(script?.headers ?? {}).length === 0 || status.length === 0;
      if (script === undefined || plain || options?.endStream !== true) {
        respond.call(this, merged(headers, script?.headers ?? {}), options);
        return;
      }
      // An answer in one frame, which cannot tell headers from trailers: the suite wants both.
      const first = Object.entries(headers ?? {}).filter(([name]) => /^:|^content-type$/.test(name));
      respond.call(this, merged(Object.fromEntries(first), script.headers), { waitForTrailers: true });
      const last = Object.entries(headers ?? {}).filter(([name]) => !/^:|^content-type$|^date$/.test(name));
      // The door closes at once what it has answered in one frame; this answer has two.
      this.close = () => {};
      this.once("wantTrailers", () => this.sendTrailers(Object.fromEntries(last)));
      this.end();
    };
    prototype.sendTrailers = function scripted(this: object, headers) {
      // Only gRPC has trailers; the rest sends empty ones, which HTTP/2 leaves out.
      const own = headers["grpc-status"] === undefined ? {} : (scriptOf(this)?.trailers ?? {});
      sendTrailers.call(this, merged(headers, own));
    };
  }

  const server = Object.getPrototypeOf(createServer()) as { emit(name: string, ...given: unknown[]): boolean };
  const { emit } = server;
  server.emit = function watched(name, ...given) {
    if (name === "stream") {
      const [stream, headers] = given as [ServerHttp2Stream, IncomingHttpHeaders];
      const called = headers[caseHeader];
      if (typeof called === "string") names.set(stream, called);
      if (!patched) patch(stream);
    }
    return emit.call(this, name, ...given);
  };
}

function writeOnHttp1(scripts: Scripts): void {
  const { writeHead } = ServerResponse.prototype;
  ServerResponse.prototype.writeHead = function scripted(this: ServerResponse, ...given: never[]) {
    const called = this.req.headers[caseHeader];
    const script = typeof called === "string" ? scripts.get(called) : undefined;
    for (const [name, value] of Object.entries(script?.headers ?? {}))
      if (!this.hasHeader(name)) this.setHeader(name, value.split(", "));
    return (writeHead as (...given: never[]) => ServerResponse).call(this, ...given);
  } as typeof writeHead;
}

export function writeScripts(scripts: Scripts): void {
  writeOnHttp2(scripts);
  writeOnHttp1(scripts);
}
