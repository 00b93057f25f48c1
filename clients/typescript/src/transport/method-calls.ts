// What grpc-js wants to know of a call, out of the descriptor.
import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { CallOptions } from "@grpc/grpc-js";

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

export function encoder<D extends DescMessage>(schema: D): (message: MessageShape<D>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

export function decoder<D extends DescMessage>(schema: D): (bytes: Buffer) => MessageShape<D> {
  return (bytes) => fromBinary(schema, bytes);
}

/** grpc-js wants an absolute time by the wall clock; Infinity is its word for no deadline. */
export function deadlineIn(timeoutMs: number | undefined): CallOptions {
  return { deadline: timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs };
}

/** Runs `cancel` when `signal` aborts; answers how to stop listening. */
export function onAbort(signal: AbortSignal | undefined, cancel: () => void): () => void {
  signal?.addEventListener("abort", cancel, { once: true });
  return () => signal?.removeEventListener("abort", cancel);
}
