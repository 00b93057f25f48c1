// Gives every request that can have one a `request_id`, so that it can be repeated safely when its answer is lost.
import { clone, create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";

interface WithRequestId {
  requestId: string;
}

/** The caller's own id stays; the caller's message is never written to. */
export function withRequestId<I extends DescMessage>(schema: I, input: MessageInitShape<I>): MessageShape<I> {
  const message = create(schema, input);
  if ((message as unknown as WithRequestId).requestId !== "") return message;
  const ours = message === input ? clone(schema, message) : message;
  (ours as unknown as WithRequestId).requestId = crypto.randomUUID();
  return ours;
}

export function requestIdOf(message: unknown): string | undefined {
  const { requestId } = message as Partial<WithRequestId>;
  return requestId === "" ? undefined : requestId;
}
