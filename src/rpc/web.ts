// The web door: Connect, gRPC-Web and JSON over HTTP/1.1 and HTTP/2, in front of the same chain as gRPC, and the few pages
// that a platform expects beside them.
import { randomUUID } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import { GatehouseError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/logger.ts";
import { type Metrics, noMetrics } from "../kernel/metrics.ts";
import type { TransportSecurity } from "../tls/ports.ts";
import type { Chain } from "./chain.ts";
import { type ConnectionBounds, usualBounds } from "./connections/bounds.ts";
import { type ListenAddress, openListener } from "./connections/listener.ts";
import { createPlaces, type Places } from "./connections/places.ts";
import { ownersAlone, type SocketFile } from "./connections/socket-file.ts";
import { createUnread } from "./connections/unread.ts";
import { type CallerAddress, directly } from "./forwarded.ts";
import { largestRequestBytes, type PolicyTable } from "./policy.ts";
import { createCalls } from "./web/calls.ts";
import { type CorsSettings, createCors } from "./web/cors.ts";
import { errorJson, failureHeaders } from "./web/errors.ts";
import { securityHeaders, setHeaders } from "./web/headers.ts";
import { type AnswerRequest, createHttpServers, type HttpServers } from "./web/listener.ts";
import type { OAuthSettings } from "./web/oauth/metadata.ts";
import { createOAuthPages } from "./web/oauth/pages.ts";
import { createPages, type HealthOf } from "./web/pages.ts";
import { createRoute, type Route } from "./web/routes.ts";
import { createSender, type Sender, type WebCall } from "./web/sending.ts";

export interface WebDoor {
  /** Where it listens, as a client would write it: an origin, or `unix:/path`. */
  readonly address: string;
  /** Sends GOAWAY, closes idle connections and lets calls in flight finish; after `graceMs` the rest is cut off. */
  stop(graceMs: number): Promise<void>;
}

export interface WebDoorDeps {
  readonly chain: Chain;
  readonly table: PolicyTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly listen: ListenAddress;
  readonly health: HealthOf;
  readonly cors: CorsSettings;
  readonly oauth: OAuthSettings;
  readonly callerAddress?: CallerAddress;
  readonly bounds?: ConnectionBounds;
  /** Shared by the doors of one process. */
  readonly places?: Places;
  readonly socketFile?: SocketFile;
  readonly security?: TransportSecurity | undefined;
  readonly metrics?: Metrics;
}

/** Browsers bring more headers than gRPC clients do. */
const maxHeaderBytes = 16 * 1024;

function routeOf(
  { chain, table, clock, health, cors, oauth, callerAddress = directly }: WebDoorDeps,
  sender: Sender,
  bounds: ConnectionBounds,
): Route {
  const jwks = table.get("/gatehouse.token.v1.TokenService/GetJwks");
  return createRoute({
    chain,
    table,
    sender,
    maxHeaderBytes,
    cors: createCors(cors),
    calls: createCalls({
      callerAddress,
      chain,
      clock,
      sender,
      unread: createUnread(bounds),
      requestMs: bounds.requestMs,
    }),
    pages: new Map([
      ...createPages({ callerAddress, chain, sender, health, jwks }),
      ...createOAuthPages({ callerAddress, chain, clock, sender, table, settings: oauth, requestMs: bounds.requestMs }),
    ]),
  });
}

interface Answering {
  readonly answer: AnswerRequest;
  /** From now on connections end with their answer. */
  drain(): void;
}

function createAnswering(deps: WebDoorDeps, bounds: ConnectionBounds, closeIdle: () => void): Answering {
  const { chain, logger } = deps;
  let draining = false;
  const sender = createSender({ answerMs: bounds.answerMs, closing: () => draining });
  const route = routeOf(deps, sender, bounds);
  const headers = securityHeaders(deps.security !== undefined && deps.listen.kind === "tcp");

  function refuse(call: WebCall, status: number, error: GatehouseError): void {
    const failure = chain.failure(error);
    sender.json(call, { status, value: errorJson(failure), headers: failureHeaders(failure) });
  }

  function fell(call: WebCall, err: unknown): void {
    logger.error({ err, error_id: randomUUID() }, "an answer could not be written");
    if (call.response.headersSent) call.response.destroy();
    else refuse(call, 500, new GatehouseError("INTERNAL"));
  }

  async function take(call: WebCall, running: number): Promise<void> {
    setHeaders(call.response, headers);
    if (running > bounds.maxStreams)
      refuse(call, 429, new GatehouseError("CONNECTION_OVERLOADED", { retryAfterMs: 1_000 }));
    else await route(call);
  }

  return {
    answer(request, response, connection) {
      const call = { request, response, connection };
      // Counted until its work has ended: a stream that was reset has not stopped its handler yet.
      connection.running += 1;
      void take(call, connection.running)
        .catch((error: unknown) => fell(call, error))
        .finally(() => {
          connection.running -= 1;
          if (draining) response.once("close", closeIdle);
        });
    },
    drain() {
      draining = true;
    },
  };
}

/** Throws StartRefused when the address cannot be had. */
export async function openWebDoor(deps: WebDoorDeps): Promise<WebDoor> {
  const { listen, security, metrics = noMetrics, socketFile = ownersAlone } = deps;
  const bounds = { ...(deps.bounds ?? usualBounds), maxMetadataBytes: maxHeaderBytes };
  const places = deps.places ?? createPlaces(bounds);
  const answering = createAnswering(deps, bounds, () => servers.closeIdle());
  const servers: HttpServers = createHttpServers({
    bounds,
    metrics,
    pace: places.pace,
    mayBring: 2 * largestRequestBytes + maxHeaderBytes,
    answer: answering.answer,
  });
  const listener = await openListener({
    door: "web",
    listen,
    bounds,
    metrics,
    socketFile,
    security,
    places,
    alpn: ["h2", "http/1.1"],
    onConnection: servers.serve,
  });
  const scheme = security === undefined ? "http" : "https";
  return {
    address: listen.kind === "unix" ? listener.address : `${scheme}://${listener.address}`,
    async stop(graceMs) {
      answering.drain();
      listener.close();
      const timer = setTimeout(servers.cut, graceMs);
      await servers.drain();
      clearTimeout(timer);
    },
  };
}
