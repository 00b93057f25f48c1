// HTTP/1.1 on connections that somebody else accepted: its bounds, and what node:http leaves to whoever uses it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ConnectionBounds } from "../connections/bounds.ts";
import type { ConnectionPeer } from "../connections/listener.ts";
import type { AnswerRequest, WebConnection } from "./listener.ts";
import { refuseSocket } from "./malformed.ts";

export interface Http1Connections {
  serve(socket: Socket, peer: ConnectionPeer): void;
  closeIdle(): void;
  /** Stops the clock that looks after slow requests. */
  stop(): void;
}

interface Known {
  readonly connection: WebConnection;
  /** Of requests that have begun; with pipelining several, in their order. */
  readonly answers: Set<ServerResponse>;
  requests: number;
}

const keepAliveMs = 75_000;
const mostRequests = 10_000;

function createHttp1Server(bounds: ConnectionBounds): Server {
  const server = createServer({
    maxHeaderSize: bounds.maxMetadataBytes,
    headersTimeout: bounds.handshakeMs,
    requestTimeout: bounds.handshakeMs + bounds.requestMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: 1_000,
    // Our own answer looks like every other error.
    requireHostHeader: false,
    insecureHTTPParser: false,
  });
  // It never listens itself, and starts to look at the time that headers and requests take only when it is told that it does.
  server.emit("listening");
  return server;
}

/** Whether what is written now would be taken for the answer, or for a part of it, of a request that came in well. */
function owesAnswer({ answers }: Known): boolean {
  return [...answers].some((answer) => answer.headersSent || answer.req.complete);
}

export function createHttp1(bounds: ConnectionBounds, answer: AnswerRequest): Http1Connections {
  const server = createHttp1Server(bounds);
  const sockets = new Map<Socket, Known>();

  function begin(request: IncomingMessage, response: ServerResponse): void {
    const known = sockets.get(request.socket);
    // Pipelined behind the last one that is answered here.
    if (known === undefined || known.requests === mostRequests) return;
    known.requests += 1;
    // Node's own count would end in an answer without our headers.
    if (known.requests === mostRequests) response.setHeader("connection", "close");
    known.answers.add(response);
    response.once("close", () => known.answers.delete(response));
    answer(request, response, known.connection);
  }

  function refuse(error: Error | undefined, socket: Socket): void {
    const known = sockets.get(socket);
    // A connection that said nothing is opened ahead; its client would take 408 for the answer to what it asks next.
    if (socket.bytesRead === 0 || (known !== undefined && owesAnswer(known))) socket.destroy();
    else refuseSocket(error, socket);
  }

  server.on("request", begin);
  // The gate first: who may not call is not asked for its body.
  server.on("checkContinue", begin);
  server.on("checkExpectation", begin);
  server.on("clientError", (error, socket) => refuse(error, socket as Socket));
  server.on("connect", (_request: IncomingMessage, socket: Socket) => refuse(undefined, socket));

  return {
    serve(socket, peer) {
      const known: Known = { connection: { ...peer, running: 0, unread: 0 }, answers: new Set(), requests: 0 };
      sockets.set(socket, known);
      socket.once("close", () => sockets.delete(socket));
      server.emit("connection", socket);
    },
    closeIdle: () => server.closeIdleConnections(),
    stop: () => void server.close(),
  };
}
