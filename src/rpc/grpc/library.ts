// What grpc-js 1.14 decides by itself and offers no option for. Kept in one file and pinned by test/conformance, so that an
// upgrade that moves these parts is noticed. docs/decisions/0011-grpc-js-internals.md says why for each.
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream, ServerOptions } from "node:http2";
import { createRequire } from "node:module";
import type { Duplex } from "node:stream";
import { type ChannelOptions, Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import type { Failure } from "../chain.ts";

const statusDetailsKey = "grpc-status-details-bin";

export interface StatusObject {
  readonly code: number;
  readonly details: string;
  readonly metadata?: Metadata | null;
}

/** What grpc-js keeps of a method. `options` are ours: the limits of this method instead of the server's. */
export interface Handler {
  readonly path: string;
  readonly type: "unary" | "serverStream" | "bidi";
  readonly func: unknown;
  readonly serialize: (bytes: Buffer) => Buffer;
  readonly deserialize: (bytes: Buffer) => Buffer;
  readonly options: ChannelOptions;
}

/** One call, between HTTP/2 and the objects that handlers get. */
interface InterceptingCall {
  readonly stream: ServerHttp2Stream;
  readonly metadata: Metadata;
  readonly handler: Handler;
  readonly receivedHalfClose: boolean;
  readonly metadataSent: boolean;
  getDeadline(): number;
  sendStatus(status: StatusObject): void;
  handleDataFrame(data: Buffer): void;
  /** A message with its prefix of five bytes. */
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>;
}

interface InterceptorsModule {
  readonly BaseServerInterceptingCall: new (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    tracker: null,
    handler: Handler,
    options: ChannelOptions,
  ) => InterceptingCall;
}

/** What the library makes of a call's stream; ours extends it. */
export const { BaseServerInterceptingCall: LibraryCall } = createRequire(import.meta.url)(
  "@grpc/grpc-js/build/src/server-interceptors.js",
) as InterceptorsModule;

interface ServerInternals {
  readonly commonServerOptions: ServerOptions;
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>;
  _verifyContentType(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean;
  _runHandlerForCall(call: InterceptingCall, handler: Handler): boolean;
}

const partsOfCall = ["getDeadline", "sendStatus", "handleDataFrame", "decompressMessage"] as const;

function internalsOf(server: Server): ServerInternals {
  const internals = server as unknown as ServerInternals;
  const known =
    typeof internals.commonServerOptions === "object" &&
    internals.http2Servers instanceof Map &&
    typeof internals._verifyContentType === "function" &&
    typeof internals._runHandlerForCall === "function" &&
    partsOfCall.every((part) => typeof LibraryCall.prototype[part] === "function");
  if (!known) throw new TypeError("this release of grpc-js keeps its parts elsewhere");
  return internals;
}

export type OnStream = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: readonly string[],
) => void;

export interface Entrance {
  readonly http2Server: Http2Server;
  /** A connection that was accepted and, with TLS, has shaken hands. The HTTP/2 session begins before this returns. */
  inject(socket: Duplex): void;
  /** False when it is no call of gRPC; it was answered with 415 then. */
  isCall(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean;
  run(call: InterceptingCall): void;
  /** GOAWAY to all. */
  close(): void;
}

/**
 * A grpc-js server that listens nowhere: with the HTTP/2 options that it does not pass through, and with `onStream` where
 * it would take every stream for a call at once.
 */
export function createEntrance(options: ChannelOptions, http2: ServerOptions, onStream: OnStream): Entrance {
  const server = new Server(options);
  const internals = internalsOf(server);
  Object.assign(internals.commonServerOptions, http2);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const [http2Server] = internals.http2Servers.keys();
  if (http2Server?.listenerCount("stream") !== 1)
    throw new TypeError("this release of grpc-js keeps its parts elsewhere");
  http2Server.removeAllListeners("stream");
  http2Server.on("stream", onStream as never);
  return {
    http2Server,
    inject: (socket) => injector.injectConnection(socket),
    isCall: (stream, headers) => internals._verifyContentType(stream, headers),
    run: (call) => void internals._runHandlerForCall(call, call.handler),
    close: () => server.tryShutdown(() => {}),
  };
}

/** Trailers in the form that node:http2 takes: grpc-js copies metadata twice before it sends it, this not at all. */
class AnswerTrailers extends Metadata {
  readonly #headers: Record<string, string>;

  constructor(headers: Readonly<Record<string, string>>) {
    super();
    this.#headers = headers;
  }

  override clone(): Metadata {
    return this;
  }

  override toHttp2Headers(): Record<string, string> {
    return this.#headers;
  }
}

const prepared = new WeakMap<object, AnswerTrailers>();

/** Of an answer. Undefined when there is nothing to send; frozen pairs come again, so their trailers are kept. */
export function answerTrailersOf(pairs: Readonly<Record<string, string>> | undefined): Metadata | undefined {
  if (pairs === undefined) return undefined;
  const known = prepared.get(pairs);
  if (known !== undefined) return known;
  const made = new AnswerTrailers(pairs);
  if (Object.isFrozen(pairs)) prepared.set(pairs, made);
  return made;
}

function trailersOf(pairs: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(pairs)) metadata.set(key, value);
  return metadata;
}

/** The status of a failure in grpc-js's form. */
export function statusOf(failure: Failure): StatusObject & { readonly metadata: Metadata } {
  const metadata = trailersOf(failure.metadata);
  metadata.set(statusDetailsKey, Buffer.from(failure.status));
  return { code: failure.code, details: failure.message, metadata };
}

/** True when the library made the status up by itself, so that it carries no reason. */
export function unexplained(status: StatusObject): boolean {
  return status.code !== 0 && !status.metadata?.get(statusDetailsKey).length;
}
