// What one connection, one address and the whole door may ask for, and the form of it that node:http2 takes.
import type { ServerOptions } from "node:http2";

export interface ConnectionBounds {
  readonly maxConnections: number;
  /** From one address prefix: an IPv4 address, an IPv6 /64. Unix sockets have none. */
  readonly maxConnectionsPerAddress: number;
  /** For the TLS handshake, and then for the HTTP/2 preface with its SETTINGS. */
  readonly handshakeMs: number;
  /** From the preface to the headers of the first call. */
  readonly firstCallMs: number;
  /** Without a call. */
  readonly idleMs: number;
  readonly ageMs: number;
  /** Calls at once on a connection. No more handlers than that run for it, those of cancelled calls included. */
  readonly maxStreams: number;
  /** Octets of names and values, and 32 a field (RFC 9113 section 6.5.2). */
  readonly maxMetadataBytes: number;
  /** For the request of a unary call to come in whole, when its caller names no deadline. */
  readonly requestMs: number;
  /** For an answer to be taken off our hands. */
  readonly answerMs: number;
  /** Answers beyond `smallAnswerBytes` that wait for their reader, for each connection and for the door. */
  readonly maxUnreadBytes: number;
  readonly maxUnreadBytesOfAll: number;
  /** Requests that have come in part, for each connection (at least the largest one) and for the door. */
  readonly maxHeldBytes: number;
  readonly maxHeldBytesOfAll: number;
}

const second = 1_000;
const minute = 60 * second;
const mebi = 1024 ** 2;

/** The defaults of the settings, for doors that nobody configured. */
export const usualBounds: ConnectionBounds = {
  maxConnections: 2_000,
  maxConnectionsPerAddress: 256,
  handshakeMs: 10 * second,
  firstCallMs: minute,
  idleMs: 15 * minute,
  ageMs: 30 * minute,
  maxStreams: 100,
  maxMetadataBytes: 8 * 1024,
  requestMs: 10 * second,
  answerMs: 30 * second,
  maxUnreadBytes: 8 * mebi,
  maxUnreadBytesOfAll: 128 * mebi,
  maxHeldBytes: 8 * mebi,
  maxHeldBytesOfAll: 128 * mebi,
};

/** Answers up to this size are not counted: times `maxStreams` they are less than `maxUnreadBytes`. */
export const smallAnswerBytes = 16 * 1024;

/** Beyond what the door refuses with a reason, up to this many times as much, node:http2 resets the stream without one. */
const hardMetadataFactor = 2;

/** PINGs and SETTINGS within one beat; gRPC clients that measure their bandwidth send some dozens a second. */
export const maxControlFramesPerBeat = 200;

/** Bytes within one beat beyond what the calls of a connection explain: window updates, padding, frames of no use. */
export const maxUnexplainedBytesPerBeat = mebi;

/** For `http2.createServer` and what hands options on to it. */
export function http2Options(bounds: ConnectionBounds): ServerOptions {
  return {
    // In MB. Reaching it refuses streams, so it stands well above what the other bounds leave to a connection.
    maxSessionMemory: 64,
    maxSettings: 32,
    maxOutstandingPings: 10,
    // CVE-2019-9518 and its like: frames that say nothing.
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    // CVE-2023-44487: what one deadline of a full connection cancels at once, and again a few seconds later.
    streamResetBurst: 2 * bounds.maxStreams,
    streamResetRate: Math.max(64, Math.ceil(bounds.maxStreams / 4)),
    unknownProtocolTimeout: bounds.handshakeMs,
    maxHeaderListPairs: 128,
    settings: {
      maxConcurrentStreams: bounds.maxStreams,
      maxHeaderListSize: hardMetadataFactor * bounds.maxMetadataBytes,
      enablePush: false,
    },
  };
}
