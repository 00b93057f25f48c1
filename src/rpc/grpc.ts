// The gRPC door: our own listener, grpc-js for the protocol, and the chain behind it.
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { type Clock, systemClock } from "../kernel/clock.ts";
import { GatehouseError } from "../kernel/errors.ts";
import { type Metrics, noMetrics } from "../kernel/metrics.ts";
import type { TransportSecurity } from "../tls/ports.ts";
import type { Chain } from "./chain.ts";
import { type ConnectionBounds, http2Options, usualBounds } from "./connections/bounds.ts";
import { attach, type ConnectionSocket, connectionOf, createConnection, open } from "./connections/connection.ts";
import { createHeld, type Held } from "./connections/held.ts";
import { type ConnectionPeer, type ListenAddress, openListener } from "./connections/listener.ts";
import { createPlaces, type Places } from "./connections/places.ts";
import { ownersAlone, type SocketFile } from "./connections/socket-file.ts";
import { createUnread, type Unread } from "./connections/unread.ts";
import { createWatch, cutCounters, type Watch } from "./connections/watch.ts";
import { type CallerAddress, directly } from "./forwarded.ts";
import { DoorCall, type Refusals } from "./grpc/door-call.ts";
import { closeSoon } from "./grpc/ending.ts";
import { encodingFault, mendHeaders, metadataFault } from "./grpc/headers.ts";
import { GrpcIncoming } from "./grpc/incoming.ts";
import { createEntrance, type Entrance, type OnStream } from "./grpc/library.ts";
import { grpcHandlers, type KnownHandler, nowhere } from "./grpc/methods.ts";
import { isPlain, PlainCall } from "./grpc/plain-call.ts";
import type { PolicyTable } from "./policy.ts";

export type { ListenAddress } from "./connections/listener.ts";

export interface GrpcDoor {
  /** Where it listens, as a client would write it. */
  readonly address: string;
  /** Sends GOAWAY and lets calls in flight finish; after `graceMs` the rest is cut off. */
  stop(graceMs: number): Promise<void>;
}

export interface GrpcDoorDeps {
  readonly chain: Chain;
  readonly table: PolicyTable;
  readonly listen: ListenAddress;
  /** Deadlines are told as spans of time. */
  readonly clock?: Clock;
  readonly bounds?: ConnectionBounds;
  /** Shared by the doors of one process. */
  readonly places?: Places;
  readonly socketFile?: SocketFile;
  readonly security?: TransportSecurity | undefined;
  readonly metrics?: Metrics;
  readonly callerAddress?: CallerAddress;
}

/** gRFC A8 and A9. Age keeps connections balanced behind L4 balancers; those of dead peers are found by their silence. */
function channelOptions({ ageMs }: ConnectionBounds) {
  return {
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.max_connection_age_ms": ageMs,
    "grpc.max_connection_age_grace_ms": 30_000,
    // Counts calls for a debugging service that we do not serve.
    "grpc.enable_channelz": 0,
  } as const;
}

function refusalsOf(chain: Chain, held: Held, handlers: ReadonlyMap<string, KnownHandler>): Refusals {
  return {
    held,
    failure: (error) => chain.failure(error),
    async refuse(call, error) {
      const known = handlers.get(call.handler.path);
      if (known === undefined) return chain.failure(error);
      const admission = await chain.admit(known.entry, new GrpcIncoming(call, undefined));
      return "failure" in admission ? admission.failure : admission.refuse(error);
    },
  };
}

const ignore = (): void => {};

/** From the headers of a stream to the handler of its method, or to why not. */
function createOnStream(
  deps: {
    readonly chain: Chain;
    readonly clock: Clock;
    readonly bounds: ConnectionBounds;
    readonly unread: Unread;
    readonly held: Held;
    readonly handlers: ReadonlyMap<string, KnownHandler>;
  },
  entrance: () => Entrance,
): OnStream {
  const { handlers, bounds } = deps;
  const refusals = refusalsOf(deps.chain, deps.held, handlers);
  return (stream, headers, _flags, rawHeaders) => {
    stream.once("error", ignore);
    const connection = connectionOf(stream);
    if (connection === undefined) return;
    if (headers[":method"] !== "POST") {
      stream.respond({ ":status": 405, allow: "POST" }, { endStream: true });
      closeSoon(stream);
      return;
    }
    if (!entrance().isCall(stream, headers)) {
      closeSoon(stream);
      return;
    }
    mendHeaders(headers, rawHeaders);
    const handler = handlers.get(headers[":path"] ?? "");
    const plain = handler?.type === "unary" && isPlain(headers);
    const call = plain
      ? new PlainCall(stream, headers, handler.entry, connection, deps)
      : new DoorCall(stream, headers, handler ?? nowhere, connection, refusals);
    open(connection, stream, call, handler?.mayBring ?? bounds.maxMetadataBytes);
    const fault = metadataFault(rawHeaders, bounds.maxMetadataBytes);
    if (fault !== undefined) call.turnAway(fault);
    else if (handler === undefined) call.turnAway(new GatehouseError("METHOD_UNKNOWN"));
    else {
      const unknownEncoding = encodingFault(headers);
      if (unknownEncoding !== undefined) call.refuse(unknownEncoding);
      else if (call instanceof PlainCall) call.read();
      else entrance().run(call);
    }
  };
}

/** Begins HTTP/2 on a socket and keeps an eye on the connection. grpc-js tells of the session before it returns. */
function createWelcome(entrance: Entrance, watch: Watch, callerAddress: CallerAddress) {
  let arriving: { readonly socket: ConnectionSocket; readonly peer: ConnectionPeer } | undefined;
  entrance.http2Server.prependListener("session", (session) => {
    if (arriving === undefined) throw new TypeError("a session that nobody let in");
    const connection = createConnection(arriving.peer, session, arriving.socket, callerAddress);
    attach(session, connection);
    watch.watch(connection);
  });
  return (socket: Parameters<Entrance["inject"]>[0] & ConnectionSocket, peer: ConnectionPeer): void => {
    arriving = { socket, peer };
    entrance.inject(socket);
    arriving = undefined;
  };
}

/** grpc-js would say that it is done at once: it leaves the waiting to the server that listens, which is ours. */
function drain(entrance: Entrance, watch: Watch, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      for (const { session, socket } of watch.connections) {
        session.destroy();
        // Whoever does not close his end would keep us waiting.
        socket.destroy();
      }
    }, graceMs);
    watch.whenEmpty(() => {
      clearTimeout(timer);
      watch.stop();
      resolve();
    });
    entrance.close();
  });
}

/** Throws StartRefused when the address cannot be had. */
export async function openGrpcDoor(deps: GrpcDoorDeps): Promise<GrpcDoor> {
  const { chain, table, listen, clock = systemClock, bounds = usualBounds, metrics = noMetrics, security } = deps;
  setLogVerbosity(logVerbosity.NONE);
  const unread = createUnread(bounds);
  const handlers = grpcHandlers({ chain, bounds, unread }, table);
  const onStream = createOnStream({ chain, clock, bounds, unread, handlers, held: createHeld(bounds) }, () => entrance);
  const entrance = createEntrance(channelOptions(bounds), http2Options(bounds), onStream);
  const places = deps.places ?? createPlaces(bounds);
  const watch = createWatch({ bounds, pace: places.pace, cut: cutCounters(metrics, "grpc") });
  const listener = await openListener({
    door: "grpc",
    listen,
    bounds,
    metrics,
    security,
    places,
    socketFile: deps.socketFile ?? ownersAlone,
    alpn: ["h2"],
    onConnection: createWelcome(entrance, watch, deps.callerAddress ?? directly),
  });
  return {
    address: listener.address,
    stop(graceMs) {
      listener.close();
      return drain(entrance, watch, graceMs);
    },
  };
}
