// A grpc-js call in the words of the chain.
import type { EventEmitter } from "node:events";
import type { ServerDuplexStream, ServerUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import type { Peer } from "../../kernel/handler.ts";
import { plainAddress } from "../address.ts";
import type { Incoming } from "../exchange.ts";

export type AnyServerCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>;

const longestUserAgent = 256;

function peerOf(call: AnyServerCall): Peer {
  const peer = call.getPeer();
  const port = peer.lastIndexOf(":");
  const [userAgent] = call.metadata.get("user-agent");
  return {
    address: port < 0 ? "unix" : plainAddress(peer.slice(0, port)),
    userAgent: typeof userAgent === "string" ? userAgent.slice(0, longestUserAgent) : "",
  };
}

/** One for each call, so a class: docs/decisions/0010-objects-of-a-call.md. */
export class GrpcIncoming implements Incoming {
  readonly #call: AnyServerCall;
  readonly protocol = "grpc";
  readonly deadline: number | undefined;
  #peer: Peer | undefined = undefined;

  constructor(call: AnyServerCall) {
    this.#call = call;
    const deadline = call.getDeadline();
    const at = typeof deadline === "number" ? deadline : deadline.getTime();
    this.deadline = Number.isFinite(at) ? at : undefined;
  }

  metadata(key: string): readonly string[] {
    return this.#call.metadata.get(key) as string[];
  }

  get peer(): Peer {
    this.#peer ??= peerOf(this.#call);
    return this.#peer;
  }

  onCancel(listener: () => void): void {
    if (this.#call.cancelled) listener();
    else (this.#call as EventEmitter).once("cancelled", listener);
  }
}
