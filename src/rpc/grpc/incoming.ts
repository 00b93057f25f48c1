// A grpc-js call in the words of the chain.
import type { EventEmitter } from "node:events";
import type { Peer } from "../../kernel/handler.ts";
import { outlive } from "../connections/connection.ts";
import type { Incoming } from "../exchange.ts";
import type { DoorCall } from "./door-call.ts";

export const longestUserAgent = 256;

function peerOf({ connection, metadata }: DoorCall): Peer {
  const [userAgent] = metadata.get("user-agent");
  return {
    address: connection.callerAddress(connection.address, (header) => metadata.get(header) as string[]),
    certificate: connection.certificate,
    userAgent: typeof userAgent === "string" ? userAgent.slice(0, longestUserAgent) : "",
  };
}

/** What tells that the caller has gone: the object that the handler of the call gets. */
export type Cancellation = EventEmitter & { readonly cancelled: boolean };

/** One for each call, so a class: docs/decisions/0010-objects-of-a-call.md. */
export class GrpcIncoming implements Incoming {
  readonly #call: DoorCall;
  readonly #cancellation: Cancellation | undefined;
  readonly protocol = "grpc";
  readonly deadline: number | undefined;
  #peer: Peer | undefined = undefined;

  constructor(call: DoorCall, cancellation: Cancellation | undefined) {
    this.#call = call;
    this.#cancellation = cancellation;
    const deadline = call.getDeadline();
    this.deadline = Number.isFinite(deadline) ? deadline : undefined;
  }

  metadata(key: string): readonly string[] {
    return this.#call.metadata.get(key) as string[];
  }

  get peer(): Peer {
    this.#peer ??= peerOf(this.#call);
    return this.#peer;
  }

  outlivedBy(work: Promise<unknown>): void {
    outlive(this.#call.connection, work);
  }

  onCancel(listener: () => void): void {
    if (this.#cancellation?.cancelled) listener();
    else this.#cancellation?.once("cancelled", listener);
  }
}
