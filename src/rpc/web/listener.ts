// HTTP/1.1 and HTTP/2 on the connections of one port: over TLS the client says which (ALPN), in plaintext its first bytes do.
import { createServer, type Http2Server, type Http2ServerRequest } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Metrics } from "../../kernel/metrics.ts";
import { type ConnectionBounds, http2Options } from "../connections/bounds.ts";
import { attach, type Connection, connectionOf, createConnection, open } from "../connections/connection.ts";
import type { ConnectionPeer } from "../connections/listener.ts";
import type { Pace } from "../connections/pace.ts";
import { createWatch, cutCounters, type Watch } from "../connections/watch.ts";
import { createHttp1 } from "./http1.ts";
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
  readonly pace: Pick<Pace, "blame">;
  /** The most that one request may bring. */
  readonly mayBring: number;
  readonly answer: AnswerRequest;
}

const expectsNothing = { requestIsDue: false, expire: () => {} };

function createHttp2Server({ bounds, mayBring }: HttpOptions, answer: AnswerRequest): Http2Server {
  const server = createServer(http2Options(bounds));
  const answered = (request: Http2ServerRequest, response: WebResponse): void => {
    const connection = connectionOf(request.stream);
    if (connection === undefined) return;
    // The time that a request may take is kept where it is read.
    open(connection, request.stream, expectsNothing, mayBring);
    answer(request, response, connection);
  };
  server.on("request", answered);
  server.on("checkContinue", answered);
  server.on("checkExpectation", answered);
  server.on("connect", answered);
  server.on("sessionError", () => {});
  return server;
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
  const { bounds, answer, metrics, pace } = options;
  const watch = createWatch({ bounds, pace, cut: cutCounters(metrics, "web") });
  const sockets = new Set<Socket>();
  const http1 = createHttp1(bounds, answer);
  const serveHttp2 = createHttp2Connections(createHttp2Server(options, answer), watch);
  let drained: (() => void) | undefined;

  return {
    serve(socket, peer) {
      sockets.add(socket);
      socket.once("close", () => {
        sockets.delete(socket);
        if (sockets.size === 0) drained?.();
      });
      const begin = (http2: boolean) => (http2 ? serveHttp2(socket, peer) : http1.serve(socket, peer));
      if ("alpnProtocol" in socket) begin(socket.alpnProtocol === "h2");
      else sniff(socket, bounds.handshakeMs, begin);
    },
    closeIdle: http1.closeIdle,
    drain() {
      const { promise, resolve } = Promise.withResolvers<void>();
      drained = resolve;
      for (const { session } of watch.connections) session.close();
      http1.closeIdle();
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      if (sockets.size === 0) resolve();
      return promise.finally(() => {
        watch.stop();
        http1.stop();
      });
    },
    cut() {
      for (const { session } of watch.connections) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}
