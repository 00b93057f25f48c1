// Looks at every connection once a beat and ends what waits too long or sends without calling. One timer for the whole
// door and none for a call: what a call costs here is a place in a map.
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Counter, Metrics } from "../../kernel/metrics.ts";
import { type ConnectionBounds, maxControlFramesPerBeat, maxUnexplainedBytesPerBeat } from "./bounds.ts";
import type { Connection, SlowCall } from "./connection.ts";
import type { Pace } from "./pace.ts";

const cutReasons = ["preface", "first_call", "idle", "flood", "protocol", "slow_request", "slow_reader"] as const;
export type CutReason = (typeof cutReasons)[number];

export interface Watch {
  watch(connection: Connection): void;
  readonly connections: ReadonlySet<Connection>;
  /** Calls back once, when the last connection has gone; at once when there is none. */
  whenEmpty(listener: () => void): void;
  stop(): void;
}

export type CutCounters = Readonly<Record<CutReason, Counter>>;

export function cutCounters(metrics: Metrics, door: string): CutCounters {
  const family = metrics.counter({
    name: "gatehouse_connections_cut_total",
    help: "Connections and calls that were ended because they waited too long or sent without calling.",
    labels: ["door", "reason"],
  });
  return Object.fromEntries(
    cutReasons.map((reason) => [reason, family.with({ door, reason })]),
  ) as unknown as CutCounters;
}

const longestBeatMs = 1_000;

/** For each call whose caller streams its request. */
const streamedBytesPerBeat = 4 * 1024 ** 2;

/** Short bounds want short beats; a bound is kept to within one. */
function beatOf(bounds: ConnectionBounds): number {
  const shortest = Math.min(bounds.handshakeMs, bounds.firstCallMs, bounds.idleMs, bounds.requestMs, bounds.answerMs);
  return Math.max(10, Math.min(longestBeatMs, shortest / 2));
}

interface Limits {
  readonly preface: number;
  readonly firstCall: number;
  readonly idle: number;
  readonly request: number;
  readonly answer: number;
}

function limitsIn(bounds: ConnectionBounds, beatMs: number): Limits {
  const beats = (ms: number): number => Math.ceil(ms / beatMs);
  return {
    preface: beats(bounds.handshakeMs),
    firstCall: beats(bounds.firstCallMs),
    idle: beats(bounds.idleMs),
    request: beats(bounds.requestMs),
    answer: beats(bounds.answerMs),
  };
}

/** node:http2 has closed our end and would wait for ever that its caller closes the other; a beat is long enough. */
function endLingering(connection: Connection): void {
  if (connection.lingers) connection.socket.destroy();
  connection.lingers = true;
}

function hangUp({ session }: Connection): void {
  // The types leave out that a code alone may be given.
  session.destroy(constants.NGHTTP2_ENHANCE_YOUR_CALM as never);
}

/** One beat older; answers what was done about it, if anything. */
function ageCall(stream: ServerHttp2Stream, slow: SlowCall, limits: Limits): CutReason | undefined {
  if (slow.call.requestIsDue && !stream.readableEnded) {
    slow.requestAge += 1;
    if (slow.requestAge === limits.request) {
      slow.call.expire();
      return "slow_request";
    }
  }
  // An answer that does not fit its reader's window has been written and has not ended.
  if (!stream.writableEnded && stream.writableLength === 0) {
    slow.answerAge = 0;
    return undefined;
  }
  slow.answerAge += 1;
  if (slow.answerAge < limits.answer) return undefined;
  stream.close(constants.NGHTTP2_CANCEL);
  return "slow_reader";
}

/** Frames that belong to no call: they cost us work and their sender nothing. */
function floods(connection: Connection, quiet: boolean): boolean {
  const { bytesRead } = connection.socket;
  const unexplained = bytesRead - connection.bytesReadBefore - connection.explained;
  connection.bytesReadBefore = bytesRead;
  // The request of a slow call may come with any beat.
  connection.explained = quiet ? 0 : Math.max(0, -unexplained);
  connection.controlFrames = 0;
  return unexplained > maxUnexplainedBytesPerBeat;
}

/** Why a connection without calls has had its time. */
function overstays(connection: Connection, limits: Limits): CutReason | undefined {
  const waited = connection.beatsWithoutCall;
  if (!connection.prefaceSeen && waited >= limits.preface) return "preface";
  if (connection.opened === 0 && waited >= limits.firstCall) return "first_call";
  return waited >= limits.idle ? "idle" : undefined;
}

/** nghttp2 found that the rules were broken, or that they were kept in bad faith: resets, refused streams, empty frames. */
const isBreach = ({ code }: NodeJS.ErrnoException): boolean =>
  code === "ERR_HTTP2_ERROR" || code === "ERR_HTTP2_TOO_MANY_INVALID_FRAMES";

export interface WatchDeps {
  readonly bounds: ConnectionBounds;
  readonly cut: CutCounters;
  readonly pace: Pick<Pace, "blame">;
}

export function createWatch({ bounds, cut, pace }: WatchDeps): Watch {
  const beatMs = beatOf(bounds);
  const limits = limitsIn(bounds, beatMs);
  const connections = new Set<Connection>();
  let onEmpty: (() => void) | undefined;

  function forget(connection: Connection): void {
    connections.delete(connection);
    if (connections.size === 0) onEmpty?.();
  }

  function lookAtCalls(connection: Connection): void {
    const { fresh, slow } = connection;
    for (const [stream, entry] of slow) {
      const reason = ageCall(stream, entry, limits);
      if (reason !== undefined) cut[reason].add();
      if (!entry.call.requestIsDue) connection.explained += streamedBytesPerBeat;
    }
    for (const [stream, call] of fresh) slow.set(stream, { call, requestAge: 0, answerAge: 0 });
    fresh.clear();
  }

  function endFlood(connection: Connection): void {
    if (connection.session.destroyed) return;
    cut.flood.add();
    pace.blame(connection.address);
    hangUp(connection);
  }

  function lookAt(connection: Connection): void {
    if (connection.session.destroyed) {
      endLingering(connection);
      return;
    }
    const quiet = connection.slow.size + connection.fresh.size === 0 && connection.opened === connection.openedBefore;
    connection.openedBefore = connection.opened;
    if (floods(connection, quiet)) {
      endFlood(connection);
      return;
    }
    lookAtCalls(connection);
    connection.beatsWithoutCall = quiet ? connection.beatsWithoutCall + 1 : 0;
    const reason = overstays(connection, limits);
    if (reason === undefined) return;
    cut[reason].add();
    if (reason === "preface") hangUp(connection);
    else connection.session.close();
  }

  const timer = setInterval(() => {
    for (const connection of connections) lookAt(connection);
  }, beatMs);
  timer.unref();

  return {
    connections,
    watch(connection) {
      const { session } = connection;
      connections.add(connection);
      session.once("close", () => forget(connection));
      session.once("error", (error: Error) => {
        if (!isBreach(error)) return;
        cut.protocol.add();
        // Who speaks another protocol, a prober for instance, costs next to nothing.
        if (connection.prefaceSeen) pace.blame(connection.address);
      });
      const count = (): void => {
        connection.controlFrames += 1;
        // At once: within a beat a flood would have had its way.
        if (connection.controlFrames > maxControlFramesPerBeat) endFlood(connection);
      };
      session.on("ping", count);
      session.on("remoteSettings", () => {
        connection.prefaceSeen = true;
        count();
      });
    },
    whenEmpty(listener) {
      onEmpty = listener;
      if (connections.size === 0) listener();
    },
    stop: () => clearInterval(timer),
  };
}
