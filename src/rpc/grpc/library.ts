// What grpc-js 1.14 decides by itself and offers no option for. Kept in one file and pinned by test/conformance, so that an
// upgrade that moves these parts is noticed: unknown methods and over-long messages must carry ErrorInfo like every error,
// and of two `authorization` values node:http2 hands on the first without a word.

import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { createRequire } from "node:module";
import { status as grpcStatus, Metadata, type Server } from "@grpc/grpc-js";
import { GatehouseError, type Reason } from "../../kernel/errors.ts";
import type { Failure } from "../chain.ts";

const statusDetailsKey = "grpc-status-details-bin";

interface ServerInternals {
  handlers: Map<string, unknown>;
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>;
}

interface StatusObject {
  readonly code: number;
  readonly details: string;
  readonly metadata?: Metadata | null;
}

interface InterceptingCallClass {
  readonly BaseServerInterceptingCall: { readonly prototype: { sendStatus(status: StatusObject): void } };
}

function internalsOf(server: Server): ServerInternals {
  const internals = server as unknown as ServerInternals;
  if (!(internals.handlers instanceof Map) || !(internals.http2Servers instanceof Map))
    throw new TypeError("this release of grpc-js keeps its handlers elsewhere");
  return internals;
}

/** Calls of methods that nobody registered go to `handler`, which is of the shape that grpc-js registers. */
export function answerUnknownMethods(server: Server, handler: unknown): void {
  const internals = internalsOf(server);
  const registered = internals.handlers;
  internals.handlers = new (class extends Map<string, unknown> {
    override get(path: string): unknown {
      return registered.get(path) ?? handler;
    }
    override has(path: string): boolean {
      return registered.has(path);
    }
    override set(path: string, value: unknown): this {
      registered.set(path, value);
      return this;
    }
  })();
}

function joinDoubledAuthorization(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
  if (headers.authorization === undefined) return;
  const values = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1] === "authorization");
  // As HTTP joins repeated fields; no bearer token holds a comma, so the gate refuses it.
  if (values.length > 1) headers.authorization = values.join(", ");
}

const timeoutForm = /^(\d{1,8})([HMSmun])$/;
// Hours, minutes and seconds that still fit into 31 bits of milliseconds.
const longest: Readonly<Record<string, number>> = { H: 596, M: 35_791, S: 2_147_483 };

/** grpc-js finds a timeout in the middle of rubbish, and takes one beyond 24 days for one that has passed. */
function mendTimeout(headers: IncomingHttpHeaders): void {
  const given = headers["grpc-timeout"];
  if (typeof given !== "string") return;
  const [, amount, unit = ""] = timeoutForm.exec(given) ?? [];
  if (amount === undefined) headers["grpc-timeout"] = "malformed";
  else headers["grpc-timeout"] = `${Math.min(Number(amount), longest[unit] ?? Number.POSITIVE_INFINITY)}${unit}`;
}

/** What gRPC's own servers refuse beyond, too. Octets of names and values, and 32 a field (RFC 9113 section 6.5.2). */
const largestMetadataBytes = 16 * 1024;

// No path that HTTP/2 lets through, so nobody can ask for it.
const longMetadataPath = "metadata too long";

/** A client that never acknowledges our settings is not held to them by nghttp2, so what came is counted as well. */
function divertLongMetadata(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
  let bytes = rawHeaders.length * 16;
  for (const text of rawHeaders) bytes += text.length;
  if (bytes > largestMetadataBytes) headers[":path"] = longMetadataPath;
}

/**
 * What of HTTP/2 grpc-js offers no option for: a second `authorization` becomes visible to the gate, timeouts mean what
 * they say, and calls with too much metadata go to `longMetadata`, of the shape that grpc-js registers. Call once the
 * server listens.
 */
export function guardHeaders(server: Server, longMetadata: unknown): void {
  const { handlers, http2Servers } = internalsOf(server);
  handlers.set(longMetadataPath, longMetadata);
  for (const http2Server of http2Servers.keys()) {
    http2Server.updateSettings({ maxHeaderListSize: largestMetadataBytes });
    http2Server.prependListener(
      "stream",
      (_stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, rawHeaders: readonly string[]) => {
        joinDoubledAuthorization(headers, rawHeaders);
        mendTimeout(headers);
        divertLongMetadata(headers, rawHeaders);
      },
    );
  }
}

/**
 * Answers a function that cuts every connection off. grpc-js knows its connections only while channelz counts them, so
 * its own forceShutdown would leave them, and the calls on them, running. Call once the server listens.
 */
export function connectionCutter(server: Server): () => void {
  const sessions = new Set<ServerHttp2Session>();
  for (const http2Server of internalsOf(server).http2Servers.keys()) {
    http2Server.on("session", (session) => {
      sessions.add(session);
      session.once("close", () => sessions.delete(session));
    });
  }
  return () => {
    for (const session of sessions) session.destroy();
  };
}

const reasons: Readonly<Record<number, Reason>> = {
  [grpcStatus.RESOURCE_EXHAUSTED]: "REQUEST_TOO_LARGE",
  [grpcStatus.UNIMPLEMENTED]: "REQUEST_MALFORMED",
  [grpcStatus.DEADLINE_EXCEEDED]: "DEADLINE_EXCEEDED",
  [grpcStatus.INTERNAL]: "REQUEST_MALFORMED",
};

/** Undefined when there is nothing to send, which is cheaper than empty metadata. */
export function trailersOf(pairs: Readonly<Record<string, string>> | undefined): Metadata | undefined {
  if (pairs === undefined) return undefined;
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(pairs)) metadata.set(key, value);
  return metadata;
}

/** The status of a failure in grpc-js's form. */
export function statusOf(failure: Failure): { code: number; details: string; metadata: Metadata } {
  const metadata = trailersOf(failure.metadata) ?? new Metadata();
  metadata.set(statusDetailsKey, Buffer.from(failure.status));
  return { code: failure.code, details: failure.message, metadata };
}

let explained = false;

/** Statuses that grpc-js makes up by itself (over-long, undecompressable or missing messages) get a reason like ours. */
export function explainLibraryStatuses(failureOf: (error: GatehouseError) => Failure): void {
  if (explained) return;
  explained = true;
  const load = createRequire(import.meta.url);
  const { prototype } = (load("@grpc/grpc-js/build/src/server-interceptors.js") as InterceptingCallClass)
    .BaseServerInterceptingCall;
  const sendStatus = prototype.sendStatus;
  prototype.sendStatus = function explain(this: unknown, status: StatusObject): void {
    const reason =
      status.code === grpcStatus.OK || status.metadata?.get(statusDetailsKey).length ? undefined : reasons[status.code];
    sendStatus.call(this, reason === undefined ? status : statusOf(failureOf(new GatehouseError(reason))));
  };
}
