// A call as the gRPC door keeps it: grpc-js's own, whose statuses all carry a reason, and which knows its connection.
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { status as grpcStatus } from "@grpc/grpc-js";
import { GatehouseError, type Reason } from "../../kernel/errors.ts";
import type { Failure } from "../chain.ts";
import type { Connection, OpenCall } from "../connections/connection.ts";
import { type Held, noRoom } from "../connections/held.ts";
import { closeSoon } from "./ending.ts";
import { acceptedEncodings } from "./headers.ts";
import { type Handler, LibraryCall, type StatusObject, statusOf, unexplained } from "./library.ts";

/** What a call needs of its door. */
export interface Refusals {
  readonly held: Held;
  /** For a call whose method is known and has not begun: judged by the gate, recorded and logged like any other. */
  refuse(call: DoorCall, error: GatehouseError): Promise<Failure>;
  /** For what reaches no method, or is under way already. */
  failure(error: GatehouseError): Failure;
}

const reasons: Readonly<Record<number, Reason>> = {
  [grpcStatus.UNIMPLEMENTED]: "REQUEST_MALFORMED",
  [grpcStatus.DEADLINE_EXCEEDED]: "DEADLINE_EXCEEDED",
  [grpcStatus.INTERNAL]: "REQUEST_MALFORMED",
};

/** Statuses that grpc-js makes up by itself: over-long, undecompressable or missing messages, deadlines. */
function explain(status: StatusObject, handler: Handler): GatehouseError {
  if (status.code !== grpcStatus.RESOURCE_EXHAUSTED) return new GatehouseError(reasons[status.code] ?? "INTERNAL");
  if (status.details.startsWith("Sent")) return new GatehouseError("INTERNAL");
  const maxBytes = handler.options["grpc.max_receive_message_length"];
  return new GatehouseError("REQUEST_TOO_LARGE", { metadata: { max_bytes: String(maxBytes) } });
}

/** One for each call, so a class: docs/decisions/0010-objects-of-a-call.md. */
export class DoorCall extends LibraryCall implements OpenCall {
  readonly connection: Connection;
  /** A handler has it; the chain tells how it ends. */
  begun = false;
  readonly #refusals: Refusals;
  #refused = false;
  #came = false;
  #held = 0;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    handler: Handler,
    connection: Connection,
    refusals: Refusals,
  ) {
    super(stream, headers, null, handler, handler.options);
    this.connection = connection;
    this.#refusals = refusals;
  }

  get requestIsDue(): boolean {
    return this.handler.type !== "bidi";
  }

  /** A request in pieces is kept until it is whole, and nobody knows whose it is. */
  override handleDataFrame(data: Buffer): void {
    if (this.#refused) return;
    if (this.begun || !this.#came || this.#hold(data)) super.handleDataFrame(data);
    this.#came = true;
  }

  #hold(data: Buffer): boolean {
    const { held } = this.#refusals;
    const counted = held.add(this.connection, this.#held, data.byteLength);
    if (counted === undefined) this.refuse(noRoom());
    else if (this.#held === 0) this.stream.once("close", () => held.release(this.connection, this.#held));
    this.#held = counted ?? this.#held;
    return counted !== undefined;
  }

  override sendStatus(status: StatusObject): void {
    if (this.#refused) return;
    if (!unexplained(status)) this.#send(status);
    else if (this.begun) this.turnAway(explain(status, this.handler));
    else this.refuse(explain(status, this.handler));
  }

  /** What grpc-js lets through: a message that says it is compressed when nobody said how (RPC-07), and flags of no meaning. */
  override decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer> {
    const flag = message[0];
    if (flag === 0 || (flag === 1 && encoding !== "identity")) return super.decompressMessage(message, encoding);
    this.refuse(new GatehouseError(flag === 1 ? "ENCODING_MISSING" : "REQUEST_MALFORMED"));
    return Promise.reject({ code: grpcStatus.INTERNAL, details: "" });
  }

  expire(): void {
    this.refuse(new GatehouseError("DEADLINE_EXCEEDED"));
  }

  /** Ends a call that no handler has, after the gate has judged it. */
  refuse(error: GatehouseError): void {
    if (this.#refused) return;
    if (this.begun) {
      this.turnAway(error);
      return;
    }
    this.#refused = true;
    void this.#refusals.refuse(this, error).then((failure) => this.#send(statusOf(failure)));
  }

  /** Ends a call at once. */
  turnAway(error: GatehouseError): void {
    if (this.#refused) return;
    this.#refused = true;
    this.#send(statusOf(this.#refusals.failure(error)));
  }

  #send(status: StatusObject): void {
    const streaming = this.metadataSent;
    if (status.code === grpcStatus.UNIMPLEMENTED) status.metadata?.set("grpc-accept-encoding", acceptedEncodings);
    super.sendStatus(status);
    if (this.receivedHalfClose) return;
    if (streaming) this.stream.once("wantTrailers", () => closeSoon(this.stream));
    else closeSoon(this.stream);
  }
}
