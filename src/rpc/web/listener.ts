// HTTP/1.1 and HTTP/2 on the connections of one port: over TLS the client says which (ALPN), in plaintext its first bytes do.
import { createServer as createHttp1, type Server as Http1Server, type IncomingMessage } from "node:http";
import { createServer as createHttp2, type Http2Server, type Http2ServerRequest } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Metrics } from "../../kernel/metrics.ts";
import { type ConnectionBounds, http2Options } from "../connections/bounds.ts";
import { attach, type Connection, connectionOf, createConnection, open } from "../connections/connection.ts";
import type { ConnectionPeer } from "../connections/listener.ts";
import { createWatch, cutCounters, type Watch } from "../connections/watch.ts";
import { refuseSocket } from "./malformed.ts";
import type { WebRequest, WebResponse } from "./message.ts";
import { sniff } from "./sniff.ts";

/** What is known of the connection that a request came by. */
export type WebConnection = ConnectionPeer & Pick<Connection, "running" | "unread">;

export type AnswerRequest = (request: WebRequest, response: WebResponse, connection: WebConnection) => void;

export interface HttpServers {
  /** Takes a connection that the listener accepted. */
  serve(socket: Socket | TLSSocket, peer: ConnectionPeer): void;
  /** No new requests on the connections that there are; resolves when all are gone. */
  drain(): Promise<void>;
  /** Closes connections without a request, which an HTTP/1.1 client might still use. */
  closeIdle(): void;
  /** Cuts off what is left. */
  cut(): void;
}

export interface HttpOptions {
  readonly bounds: ConnectionBounds;
  readonly metrics: Metrics;
  /** The most that one request may bring. */
  readonly mayBring: number;
  readonly answer: AnswerRequest;
}

const keepAliveMs = 75_000;
const mostRequestsOnConnection = 10_000;

function createHttp1Server({ bounds }: HttpOptions, answer: (request: IncomingMessage, response: WebResponse) => void) {
  const server = createHttp1({
    maxHeaderSize: bounds.maxMetadataBytes,
    headersTimeout: bounds.handshakeMs,
    requestTimeout: bounds.handshakeMs + bounds.requestMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: 1_000,
    // Our own answer looks like every other error.
    requireHostHeader: false,
    insecureHTTPParser: false,
  });
  server.maxRequestsPerSocket = mostRequestsOnConnection;
  server.on("request", answer);
  // The gate first: who may not call is not asked for its body.
  server.on("checkContinue", answer);
  server.on("checkExpectation", answer);
  server.on("clientError", refuseSocket);
  server.on("connect", (_request: IncomingMessage, socket: Socket) => refuseSocket(undefined, socket));
  // It never listens itself, and starts to look at the time that headers and requests take only when it is told that it does.
  server.emit("listening");
  return server;
}

const expectsNothing = { requestIsDue: false, expire: () => {} };

function createHttp2Server({ bounds, mayBring }: HttpOptions, answer: AnswerRequest): Http2Server {
  const server = createHttp2(http2Options(bounds));
  const answered = (request: Http2ServerRequest, response: WebResponse): void => {
    const connection = connectionOf(request.stream.session as never);
    // The time that a request may take is kept where it is read.
    open(connection, request.stream, expectsNothing, mayBring);
    answer(request, response, connection);
  };
  server.on("request", answered);
  server.on("checkContinue", answered);
  server.on("connect", answered);
  server.on("sessionError", () => {});
  return server;
}

/** HTTP/1.1 connections with what is known of them. */
function createHttp1Connections(server: Http1Server) {
  const known = new Map<Socket, WebConnection>();
  return {
    known,
    serve(socket: Socket, peer: ConnectionPeer): void {
      known.set(socket, { ...peer, running: 0, unread: 0 });
      socket.once("close", () => known.delete(socket));
      server.emit("connection", socket);
    },
  };
}

function createHttp2Connections(server: Http2Server, watch: Watch) {
  let arriving: { readonly socket: Socket; readonly peer: ConnectionPeer } | undefined;
  server.on("session", (session) => {
    if (arriving === undefined) return;
    const connection: Connection = createConnection(arriving.peer, session, arriving.socket);
    attach(session, connection);
    watch.watch(connection);
    session.on("error", () => session.destroy());
  });
  return (socket: Socket, peer: ConnectionPeer): void => {
    // The session is made, and told of, before `emit` comes back.
    arriving = { socket, peer };
    server.emit("connection", socket);
    arriving = undefined;
  };
}

export function createHttpServers(options: HttpOptions): HttpServers {
  const { bounds, answer, metrics } = options;
  const watch = createWatch({ bounds, cut: cutCounters(metrics, "web") });
  const sockets = new Set<Socket>();
  const http1 = createHttp1Server(options, (request, response) => {
    const connection = http1Connections.known.get(request.socket);
    if (connection === undefined) request.socket.destroy();
    else answer(request, response, connection);
  });
  const http1Connections = createHttp1Connections(http1);
  const serveHttp2 = createHttp2Connections(createHttp2Server(options, answer), watch);
  let drained: (() => void) | undefined;

  return {
    serve(socket, peer) {
      sockets.add(socket);
      socket.once("close", () => {
        sockets.delete(socket);
        if (sockets.size === 0) drained?.();
      });
      const begin = (http2: boolean) => (http2 ? serveHttp2(socket, peer) : http1Connections.serve(socket, peer));
      if ("alpnProtocol" in socket) begin(socket.alpnProtocol === "h2");
      else sniff(socket, bounds.handshakeMs, begin);
    },
    closeIdle: () => http1.closeIdleConnections(),
    drain() {
      const { promise, resolve } = Promise.withResolvers<void>();
      drained = resolve;
      for (const { session } of watch.connections) session.close();
      http1.closeIdleConnections();
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      if (sockets.size === 0) resolve();
      return promise.finally(() => {
        watch.stop();
        // Stops the clock that the made-up event started.
        http1.close(() => {});
      });
    },
    cut() {
      for (const { session } of watch.connections) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}
