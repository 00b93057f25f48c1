// Makes of each method of the table what grpc-js calls: with identity codecs, so that nothing is decoded before the gate,
// and never with more handlers at work for a connection than it may have streams, whatever it cancels meanwhile.
import type { ServerDuplexStream, ServerUnaryCall, ServerWritableStream, sendUnaryData } from "@grpc/grpc-js";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Chain, Failure, Reply } from "../chain.ts";
import { type ConnectionBounds, smallAnswerBytes } from "../connections/bounds.ts";
import { answersUnread, type Unread } from "../connections/unread.ts";
import { largestRequestBytes, type MethodEntry, type PolicyTable } from "../policy.ts";
import type { DoorCall } from "./door-call.ts";
import { GrpcIncoming } from "./incoming.ts";
import { answerTrailersOf, type Handler, statusOf } from "./library.ts";
import { asBuffer, createPump, type ResponseStream } from "./pump.ts";

const identity = (bytes: Buffer): Buffer => bytes;

/** The call inside the object that grpc-js hands to handlers. */
const callOf = (call: object): DoorCall => (call as { readonly call: DoorCall }).call;

const retryMs = 1_000;

export function overloaded(): GatehouseError {
  return new GatehouseError("CONNECTION_OVERLOADED", { retryAfterMs: retryMs });
}

export interface MethodDeps {
  readonly chain: Chain;
  readonly bounds: ConnectionBounds;
  readonly unread: Unread;
}

function createUnary({ chain, bounds, unread }: MethodDeps, entry: MethodEntry) {
  /** False when the answer has no room. */
  function keep({ connection, stream }: DoorCall, bytes: number): boolean {
    const read = unread.keep(connection, bytes);
    if (read === undefined) return false;
    if (stream.destroyed) read();
    else stream.once("close", read);
    return true;
  }

  function send(call: DoorCall, reply: Reply, callback: sendUnaryData<Buffer>): void {
    if ("failure" in reply) callback(statusOf(reply.failure));
    else if (reply.bytes.byteLength > smallAnswerBytes && !keep(call, reply.bytes.byteLength))
      callback(statusOf(chain.failure(answersUnread())));
    else callback(null, asBuffer(reply.bytes), answerTrailersOf(reply.metadata));
  }

  return (unaryCall: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
    const call = callOf(unaryCall);
    const { connection } = call;
    if (connection.running >= bounds.maxStreams) {
      call.refuse(overloaded());
      return;
    }
    call.begun = true;
    const reply = chain.unary(entry, new GrpcIncoming(call, unaryCall), unaryCall.request);
    if (!(reply instanceof Promise)) {
      send(call, reply, callback);
      return;
    }
    connection.running += 1;
    void reply.then((late) => {
      connection.running -= 1;
      send(call, late, callback);
    });
  };
}

/** Streams have promises anyway. */
function createStreaming(
  { chain, bounds, unread }: MethodDeps,
  entry: MethodEntry,
  requestsOf: (stream: ResponseStream) => AsyncIterable<Buffer>,
) {
  const pump = createPump({ chain, unread, answerMs: bounds.answerMs });
  return (stream: ResponseStream): void => {
    const call = callOf(stream);
    const { connection } = call;
    if (connection.running >= bounds.maxStreams) {
      call.refuse(overloaded());
      return;
    }
    call.begun = true;
    connection.running += 1;
    const answers: AsyncGenerator<Uint8Array, Failure | undefined> = chain.stream(
      entry,
      new GrpcIncoming(call, stream),
      requestsOf(stream),
    );
    void pump(stream, call, answers).finally(() => {
      connection.running -= 1;
    });
  };
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

const oneRequest = (stream: ResponseStream) => once((stream as ServerWritableStream<Buffer, Buffer>).request);

// A stream destroyed because nobody reads on could not be told why any more.
const manyRequests = (stream: ResponseStream): AsyncIterable<Buffer> =>
  (stream as ServerDuplexStream<Buffer, Buffer>).iterator({ destroyOnReturn: false });

const types = {
  unary: "unary",
  server_streaming: "serverStream",
  client_streaming: "bidi",
  bidi_streaming: "bidi",
} as const;

function implementationOf(deps: MethodDeps, entry: MethodEntry) {
  const type = types[entry.method.methodKind];
  if (type === "unary") return createUnary(deps, entry);
  return createStreaming(deps, entry, type === "bidi" ? manyRequests : oneRequest);
}

/** What a call of no method is taken for until it is turned away. */
export const nowhere: Handler = {
  path: "",
  type: "bidi",
  func: undefined,
  serialize: identity,
  deserialize: identity,
  options: {},
};

export interface KnownHandler extends Handler {
  readonly entry: MethodEntry;
  /** The most bytes that a call of it brings. */
  readonly mayBring: number;
}

/** By path. */
export function grpcHandlers(deps: MethodDeps, table: PolicyTable): ReadonlyMap<string, KnownHandler> {
  const handlers = new Map<string, KnownHandler>();
  for (const [path, entry] of table) {
    handlers.set(path, {
      path,
      entry,
      type: types[entry.method.methodKind],
      func: implementationOf(deps, entry),
      serialize: identity,
      deserialize: identity,
      options: {
        "grpc.max_receive_message_length": entry.maxRequestBytes,
        "grpc.max_send_message_length": largestRequestBytes,
      },
      mayBring: 2 * (entry.maxRequestBytes + deps.bounds.maxMetadataBytes),
    });
  }
  return handlers;
}
