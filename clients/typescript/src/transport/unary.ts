// One unary call on grpc-js, as a promise that knows headers and trailers.
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { UnaryResponse } from "@connectrpc/connect";
import type { Client, Metadata } from "@grpc/grpc-js";
import { toHeaders, toMetadata } from "./metadata.ts";
import { deadlineIn, decoder, encoder, onAbort, pathOf } from "./method-calls.ts";
import { toConnectError } from "./status.ts";

export interface UnaryCall<I extends DescMessage, O extends DescMessage> {
  readonly method: DescMethodUnary<I, O>;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: HeadersInit | undefined;
  readonly input: MessageInitShape<I>;
}

interface Received<O extends DescMessage> {
  header?: Metadata;
  message?: MessageShape<O>;
  failure?: unknown;
}

/** Resolves or rejects with the status, which grpc-js hands over last, trailers with it. */
function exchange<I extends DescMessage, O extends DescMessage>(
  client: Client,
  { method, signal, timeoutMs, header, input }: UnaryCall<I, O>,
): Promise<Received<O> & { trailer: Metadata }> {
  return new Promise((resolve, reject) => {
    const received: Received<O> = {};
    const call = client.makeUnaryRequest(
      pathOf(method),
      encoder(method.input),
      decoder(method.output),
      create(method.input, input),
      toMetadata(header),
      deadlineIn(timeoutMs),
      (failure, message) => {
        if (failure !== null) received.failure = failure;
        else if (message !== undefined) received.message = message;
      },
    );
    const deafen = onAbort(signal, () => call.cancel());
    call.on("metadata", (metadata: Metadata) => {
      received.header = metadata;
    });
    call.on("status", (status) => {
      deafen();
      if (received.failure === undefined) resolve({ ...received, trailer: status.metadata });
      else reject(toConnectError(received.failure));
    });
  });
}

export async function callUnary<I extends DescMessage, O extends DescMessage>(
  client: Client,
  call: UnaryCall<I, O>,
): Promise<UnaryResponse<I, O>> {
  const { method } = call;
  const { header, message, trailer } = await exchange(client, call);
  return {
    stream: false,
    service: method.parent,
    method,
    header: toHeaders(header),
    trailer: toHeaders(trailer),
    message: message ?? create(method.output),
  };
}
