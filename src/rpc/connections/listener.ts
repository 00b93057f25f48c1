// Accepts the connections of a door: plain, TLS or on a Unix socket; counts them from their first byte, and hands on those
// that have a place and, with TLS, have shaken hands.
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { PeerCertificate } from "../../kernel/handler.ts";
import type { Counter, Metrics } from "../../kernel/metrics.ts";
import { StartRefused } from "../../kernel/start-refused.ts";
import type { TransportSecurity } from "../../tls/ports.ts";
import { plainAddress } from "../address.ts";
import type { ConnectionBounds } from "./bounds.ts";
import type { Places, Refusal } from "./places.ts";
import { admitToSocket, creatingForOwnerAlone, removeStaleSocket, type SocketFile } from "./socket-file.ts";

export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Who is at the other end, for as long as the connection lives. */
export interface ConnectionPeer {
  /** Without port; `unix` on a Unix socket. */
  readonly address: string;
  readonly certificate: PeerCertificate | undefined;
}

export interface Listener {
  /** As a client would write it. */
  readonly address: string;
  /** Accepts no more, and hangs up on whoever has not finished shaking hands. Connections handed on stay. */
  close(): void;
}

export interface ListenerDeps {
  readonly door: "grpc" | "web";
  readonly listen: ListenAddress;
  readonly bounds: ConnectionBounds;
  readonly places: Places;
  readonly metrics: Metrics;
  readonly socketFile: SocketFile;
  /** Undefined = plaintext. On a Unix socket there is no TLS either way. */
  readonly security: TransportSecurity | undefined;
  /** What the door speaks, in the order of its liking. */
  readonly alpn: readonly string[];
  readonly onConnection: (socket: Socket | TLSSocket, peer: ConnectionPeer) => void;
}

function targetOf(listen: ListenAddress): string {
  if (listen.kind === "unix") return `unix:${listen.path}`;
  return listen.host.includes(":") ? `[${listen.host}]:${listen.port}` : `${listen.host}:${listen.port}`;
}

function bind(server: Server, listen: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", (cause) => {
      reject(
        new StartRefused(`cannot listen on ${targetOf(listen)}: it is in use or not an address of this machine`, {
          cause,
        }),
      );
    });
    if (listen.kind === "unix") creatingForOwnerAlone(() => server.listen({ path: listen.path }));
    else server.listen({ host: listen.host, port: listen.port });
  });
}

function addressOf(server: Server, listen: ListenAddress): string {
  const bound = server.address();
  if (listen.kind === "unix" || bound === null || typeof bound === "string") return targetOf(listen);
  return targetOf({ ...listen, port: bound.port });
}

const ignore = (): void => {};

/** One name for a TCP connection and for the TLS in it, for as long as it lives. */
const endOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`;

interface Handshakes {
  begin(socket: Socket): void;
  /** Hangs up on those that have not finished. */
  abandon(): void;
}

/** Shakes hands on sockets that another server accepted. */
function createHandshakes(security: TransportSecurity, { alpn, bounds, onConnection }: ListenerDeps): Handshakes {
  const unfinished = new Map<string, Socket>();
  const server = createTlsServer({
    ...security.options,
    ALPNProtocols: [...alpn],
    handshakeTimeout: bounds.handshakeMs,
  });
  security.guard(server);
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.on("secureConnection", (socket) => {
    unfinished.delete(endOf(socket));
    socket.on("error", ignore);
    try {
      onConnection(socket, {
        address: plainAddress(socket.remoteAddress ?? ""),
        certificate: security.identify(socket),
      });
    } catch {
      // A certificate that is not accepted; the security part has counted it.
      socket.destroy();
    }
  });
  return {
    begin(socket) {
      const end = endOf(socket);
      unfinished.set(end, socket);
      socket.once("close", () => unfinished.delete(end));
      server.emit("connection", socket);
    },
    abandon() {
      for (const socket of unfinished.values()) socket.destroy();
    },
  };
}

function refusalCounter({ door, metrics }: ListenerDeps): Readonly<Record<Refusal | "address_paced", Counter>> {
  const family = metrics.counter({
    name: "gatehouse_connections_refused_total",
    help: "Connections that were hung up on because there were too many already.",
    labels: ["door", "reason"],
  });
  return {
    full: family.with({ door, reason: "full" }),
    address_full: family.with({ door, reason: "address_full" }),
    address_paced: family.with({ door, reason: "address_paced" }),
  };
}

/** Lets connections begin when their time has come; nothing is read from them before. */
function createWaiting() {
  const sockets = new Set<Socket>();
  return {
    begin(socket: Socket, waitMs: number, onBegin: () => void): void {
      const timer = setTimeout(() => {
        sockets.delete(socket);
        if (!socket.destroyed) onBegin();
      }, waitMs);
      sockets.add(socket);
      socket.once("close", () => {
        clearTimeout(timer);
        sockets.delete(socket);
      });
    },
    abandon() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Throws StartRefused when the address cannot be had. */
export async function openListener(deps: ListenerDeps): Promise<Listener> {
  const { listen, places, onConnection } = deps;
  const refused = refusalCounter(deps);
  const handshakes =
    deps.security === undefined || listen.kind === "unix" ? undefined : createHandshakes(deps.security, deps);
  const waiting = createWaiting();
  const server = createServer({ noDelay: true }, (socket) => {
    const address = listen.kind === "unix" ? "unix" : plainAddress(socket.remoteAddress ?? "");
    const place = places.take(address);
    if (typeof place === "string") {
      refused[place].add();
      socket.destroy();
      return;
    }
    socket.on("error", ignore);
    socket.once("close", place);
    const begin = (): void => {
      if (handshakes === undefined) onConnection(socket, { address, certificate: undefined });
      else handshakes.begin(socket);
    };
    const wait = places.pace.turn(address);
    if (wait === 0) begin();
    else if (wait !== undefined) waiting.begin(socket, wait, begin);
    else {
      refused.address_paced.add();
      socket.destroy();
    }
  });
  if (listen.kind === "unix") await removeStaleSocket(listen.path);
  await bind(server, listen);
  if (listen.kind === "unix") admitToSocket(listen.path, deps.socketFile);
  return {
    address: addressOf(server, listen),
    close() {
      server.close();
      handshakes?.abandon();
      waiting.abandon();
    },
  };
}
