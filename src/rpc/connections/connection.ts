// One HTTP/2 connection as the door keeps it: who is at its end, which calls it has open, and what it still holds of ours.
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { type CallerAddress, directly } from "../forwarded.ts";
import type { ConnectionPeer } from "./listener.ts";

/** What the door can do to a call from outside. */
export interface OpenCall {
  /** False when the request may take as long as it likes: the caller streams it. */
  readonly requestIsDue: boolean;
  /** The request did not come in time. */
  expire(): void;
}

/** A call that has been open for a whole beat. Ages are in beats. */
export interface SlowCall {
  readonly call: OpenCall;
  requestAge: number;
  answerAge: number;
}

export type ConnectionSocket = Pick<Socket, "bytesRead" | "destroyed" | "destroy">;

export interface Connection extends ConnectionPeer {
  readonly session: ServerHttp2Session;
  readonly socket: ConnectionSocket;
  /** Who calls, where the connection is a proxy's. */
  readonly callerAddress: CallerAddress;
  /** Opened since the last beat. Most calls are closed before anybody looks. */
  readonly fresh: Map<ServerHttp2Stream, OpenCall>;
  readonly slow: Map<ServerHttp2Stream, SlowCall>;
  /** Handlers at work, those of cancelled calls included. */
  running: number;
  /** Bytes of large answers that wait for their reader. */
  unread: number;
  /** Bytes of requests that have come in part. */
  held: number;
  /** Calls in all, and how many they were at the last beat. */
  opened: number;
  openedBefore: number;
  /** Bytes that the calls since the last beat may explain. */
  explained: number;
  controlFrames: number;
  bytesReadBefore: number;
  beatsWithoutCall: number;
  prefaceSeen: boolean;
  /** The HTTP/2 session was over at the last beat, and its socket was not. */
  lingers: boolean;
  readonly onStreamClose: (this: ServerHttp2Stream) => void;
}

export function createConnection(
  peer: ConnectionPeer,
  session: ServerHttp2Session,
  socket: ConnectionSocket,
  callerAddress: CallerAddress = directly,
): Connection {
  const fresh = new Map<ServerHttp2Stream, OpenCall>();
  const slow = new Map<ServerHttp2Stream, SlowCall>();
  return {
    address: peer.address,
    certificate: peer.certificate,
    session,
    socket,
    callerAddress,
    fresh,
    slow,
    running: 0,
    unread: 0,
    held: 0,
    opened: 0,
    openedBefore: 0,
    explained: 0,
    controlFrames: 0,
    bytesReadBefore: 0,
    beatsWithoutCall: 0,
    prefaceSeen: false,
    lingers: false,
    onStreamClose() {
      if (!fresh.delete(this)) slow.delete(this);
    },
  };
}

/** On the session itself: asked for each call, and a WeakMap would be asked more slowly. */
const connectionKey = Symbol("connection");

interface Attached {
  [connectionKey]?: Connection;
}

export function attach(session: ServerHttp2Session, connection: Connection): void {
  (session as Attached)[connectionKey] = connection;
}

/** Undefined for a stream that was over before anybody looked at it: bytes that come in one lump are all read first. */
export function connectionOf({ session }: ServerHttp2Stream): Connection | undefined {
  return (session as Attached | undefined)?.[connectionKey];
}

/** Counts a handler whose call is over until it has ended, too: its caller may have cancelled to begin the next one. */
export function outlive(connection: { running: number }, work: Promise<unknown>): void {
  connection.running += 1;
  const done = (): void => {
    connection.running -= 1;
  };
  work.then(done, done);
}

/** Notes a stream that has just been opened; `mayBring` = the most bytes that it explains. */
export function open(connection: Connection, stream: ServerHttp2Stream, call: OpenCall, mayBring: number): void {
  connection.opened += 1;
  connection.explained += mayBring;
  connection.fresh.set(stream, call);
  stream.once("close", connection.onStreamClose);
}
