// The gRPC door: grpc-js in front of the chain.
import { chmodSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from "@grpc/grpc-js";
import { GatehouseError } from "../kernel/errors.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import type { Chain } from "./chain.ts";
import { answerUnknownMethods, connectionCutter, explainLibraryStatuses, guardHeaders } from "./grpc/library.ts";
import { grpcMethods, refusing } from "./grpc/methods.ts";
import { largestRequestBytes, type PolicyTable } from "./policy.ts";

export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

export interface GrpcDoor {
  /** Where it listens, as a client would write it. */
  readonly address: string;
  /** Sends GOAWAY and lets calls in flight finish; after `graceMs` the rest is cut off. */
  stop(graceMs: number): Promise<void>;
}

const minute = 60_000;

// gRFC A8 and A9. Age and idle limits keep connections balanced behind L4 balancers and free those of dead peers.
const serverOptions = {
  "grpc.max_receive_message_length": largestRequestBytes,
  "grpc.max_send_message_length": largestRequestBytes,
  "grpc.max_concurrent_streams": 1000,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_connection_age_ms": 30 * minute,
  "grpc.max_connection_age_grace_ms": 30_000,
  "grpc.max_connection_idle_ms": 15 * minute,
  // Counts calls for a debugging service that we do not serve.
  "grpc.enable_channelz": 0,
} as const;

function targetOf(listen: ListenAddress): string {
  if (listen.kind === "unix") return `unix:${listen.path}`;
  return listen.host.includes(":") ? `[${listen.host}]:${listen.port}` : `${listen.host}:${listen.port}`;
}

/** True when some process accepts connections on the socket. */
function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** A socket file that a killed process left behind is in the way of nobody; one that somebody listens on stays theirs. */
async function removeStaleSocket(path: string): Promise<void> {
  if (!statSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  if (await listens(path)) throw new StartRefused(`cannot listen on unix:${path}: another process listens on it`);
  rmSync(path);
}

function bind(server: Server, listen: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(targetOf(listen), ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else
        reject(
          new StartRefused(`cannot listen on ${targetOf(listen)}: it is in use or not an address of this machine`, {
            cause: error,
          }),
        );
    });
  });
}

function shutDown(server: Server, cutConnections: () => void, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      cutConnections();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Throws StartRefused when the address cannot be had. */
export async function openGrpcDoor(deps: {
  readonly chain: Chain;
  readonly table: PolicyTable;
  readonly listen: ListenAddress;
}): Promise<GrpcDoor> {
  const { chain, table, listen } = deps;
  setLogVerbosity(logVerbosity.NONE);
  explainLibraryStatuses(chain.failure);
  const server = new Server(serverOptions);
  const { definition, implementation } = grpcMethods(chain, table);
  server.addService(definition, implementation);
  answerUnknownMethods(
    server,
    refusing(chain, () => new GatehouseError("METHOD_UNKNOWN")),
  );
  if (listen.kind === "unix") await removeStaleSocket(listen.path);
  const port = await bind(server, listen);
  const cutConnections = connectionCutter(server);
  guardHeaders(
    server,
    refusing(chain, () => new GatehouseError("METADATA_INVALID", { message: "the metadata is too long" })),
  );
  if (listen.kind === "unix") chmodSync(listen.path, 0o600);
  return {
    address: listen.kind === "unix" ? targetOf(listen) : targetOf({ ...listen, port }),
    stop: (graceMs) => shutDown(server, cutConnections, graceMs),
  };
}
