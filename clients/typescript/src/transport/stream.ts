// A streaming call of any kind on grpc-js. On the wire all kinds are the same: messages each way until one side is done.
import {
  create,
  type DescMessage,
  type DescMethodStreaming,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { StreamResponse } from "@connectrpc/connect";
import type { Client, ClientDuplexStream, Metadata } from "@grpc/grpc-js";
import { appendTo, toMetadata } from "./metadata.ts";
import { deadlineIn, decoder, encoder, onAbort, pathOf } from "./method-calls.ts";
import { toConnectError } from "./status.ts";

export interface StreamCall<I extends DescMessage, O extends DescMessage> {
  readonly method: DescMethodStreaming<I, O>;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: HeadersInit | undefined;
  readonly input: AsyncIterable<MessageInitShape<I>>;
}

interface Ends {
  readonly header: Headers;
  readonly trailer: Headers;
  /** Resolves when headers are here, or when there will be none. */
  readonly begun: Promise<void>;
  /** Resolves with what went wrong, or undefined. Never rejects. */
  readonly ended: Promise<unknown>;
  /** The sending side failed; the call is cancelled and ends with this. */
  fail(cause: unknown): void;
}

function watchEnds(call: ClientDuplexStream<never, unknown>, deafen: () => void): Ends {
  const header = new Headers();
  const trailer = new Headers();
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<unknown>();
  let failure: unknown;
  call.on("metadata", (metadata: Metadata) => {
    appendTo(header, metadata);
    begun.resolve();
  });
  // Without a listener the process would end; what matters is told at the status.
  call.on("error", (error) => {
    failure ??= toConnectError(error);
  });
  call.on("status", ({ metadata }) => {
    deafen();
    appendTo(trailer, metadata);
    begun.resolve();
    ended.resolve(failure);
  });
  const fail = (cause: unknown): void => {
    failure ??= cause;
    call.cancel();
  };
  return { header, trailer, begun: begun.promise, ended: ended.promise, fail };
}

/** Writes what the caller sends, no faster than it leaves. */
async function sendAll<I extends DescMessage>(
  call: ClientDuplexStream<MessageShape<I>, unknown>,
  schema: I,
  input: AsyncIterable<MessageInitShape<I>>,
  ends: Ends,
): Promise<void> {
  try {
    for await (const message of input) {
      if (call.destroyed || call.writableEnded) return;
      if (!call.write(create(schema, message))) {
        await Promise.race([new Promise((resolve) => call.once("drain", resolve)), ends.ended]);
      }
    }
    call.end();
  } catch (error) {
    ends.fail(error);
  }
}

/** Reading stops early when the caller breaks out: the server is told. */
async function* receiveAll<T>(call: ClientDuplexStream<never, T>, ends: Ends): AsyncIterable<T> {
  try {
    for await (const message of call) yield message as T;
  } catch {
    // The status that follows says the same, with its details.
  } finally {
    call.cancel();
  }
  const failure = await ends.ended;
  if (failure !== undefined) throw failure;
}

export async function openStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  { method, signal, timeoutMs, header, input }: StreamCall<I, O>,
): Promise<StreamResponse<I, O>> {
  const call = client.makeBidiStreamRequest(
    pathOf(method),
    encoder(method.input),
    decoder(method.output),
    toMetadata(header),
    deadlineIn(timeoutMs),
  );
  const ends = watchEnds(
    call,
    onAbort(signal, () => call.cancel()),
  );
  void sendAll(call, method.input, input, ends);
  await ends.begun;
  const { header: received, trailer } = ends;
  const message = receiveAll<MessageShape<O>>(call, ends);
  return { stream: true, service: method.parent, method, header: received, trailer, message };
}
