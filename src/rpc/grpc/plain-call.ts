// A unary call in the form that nearly all of them have: one request that is not compressed, one answer. The door speaks
// the protocol itself here (gRPC's "PROTOCOL-HTTP2"), which takes a third of the time that grpc-js needs for it; whatever
// is unusual goes to grpc-js. docs/decisions/0037-plain-calls.md.
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Clock } from "../../kernel/clock.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Peer } from "../../kernel/handler.ts";
import type { Chain, Failure, Reply } from "../chain.ts";
import { type ConnectionBounds, smallAnswerBytes } from "../connections/bounds.ts";
import { type Connection, type OpenCall, outlive } from "../connections/connection.ts";
import { type Held, noRoom } from "../connections/held.ts";
import { answersUnread, type Unread } from "../connections/unread.ts";
import type { Incoming } from "../exchange.ts";
import type { MethodEntry } from "../policy.ts";
import { closeSoon } from "./ending.ts";
import { frameOf, prefixBytes, readFrame } from "./frame.ts";
import { acceptedEncodings, deadlineOf, malformedTimeout } from "./headers.ts";
import { longestUserAgent } from "./incoming.ts";
import { overloaded } from "./methods.ts";

export interface PlainDeps {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly bounds: Pick<ConnectionBounds, "maxStreams">;
  readonly unread: Unread;
  readonly held: Held;
}

/** False for what only grpc-js reads: compressed requests, subtypes of its content type, malformed timeouts. Of mended headers. */
export function isPlain(headers: IncomingHttpHeaders): boolean {
  const encoding = headers["grpc-encoding"];
  const type = headers["content-type"];
  return (
    (encoding === undefined || encoding === "identity") &&
    (type === "application/grpc" || type === "application/grpc+proto") &&
    headers["grpc-timeout"] !== malformedTimeout
  );
}

const answerHeaders = Object.freeze({
  ":status": 200,
  "content-type": "application/grpc",
  "grpc-accept-encoding": acceptedEncodings,
});
const succeeded = Object.freeze({ "grpc-status": "0" });
const withTrailers = { waitForTrailers: true } as const;
const nothing: readonly string[] = [];

/** As gRPC's "PROTOCOL-HTTP2" has Status-Message. */
function percentEncoded(text: string): string {
  return text.toWellFormed().replace(/[^ -$&-~]/gu, encodeURIComponent);
}

function failureHeaders(failure: Failure) {
  return {
    ...answerHeaders,
    ...failure.metadata,
    "grpc-status": String(failure.code),
    "grpc-message": percentEncoded(failure.message),
    "grpc-status-details-bin": Buffer.from(failure.status).toString("base64"),
  };
}

/** One for each call, so a class: docs/decisions/0010-objects-of-a-call.md. */
export class PlainCall implements OpenCall, Incoming {
  readonly protocol = "grpc";
  readonly requestIsDue = true;
  readonly deadline: number | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #connection: Connection;
  readonly #entry: MethodEntry;
  readonly #deps: PlainDeps;
  #first: Buffer | undefined = undefined;
  #rest: Buffer[] | undefined = undefined;
  #length = 0;
  #held = 0;
  #ended = false;
  #peer: Peer | undefined = undefined;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    entry: MethodEntry,
    connection: Connection,
    deps: PlainDeps,
  ) {
    this.#stream = stream;
    this.#headers = headers;
    this.#entry = entry;
    this.#connection = connection;
    this.#deps = deps;
    this.deadline = deadlineOf(headers, deps.clock);
  }

  /** Reads the request; then, or when it cannot be read, the chain has the call. */
  read(): void {
    const stream = this.#stream;
    stream.on("data", (chunk: Buffer) => this.#take(chunk));
    stream.on("end", () => this.#begin());
  }

  metadata(key: string): readonly string[] {
    const value = this.#headers[key];
    if (value === undefined) return nothing;
    return typeof value === "string" ? [value] : value;
  }

  get peer(): Peer {
    const { address, certificate, callerAddress } = this.#connection;
    this.#peer ??= {
      address: callerAddress(address, (header) => this.metadata(header)),
      certificate,
      userAgent: (this.#headers["user-agent"] ?? "").slice(0, longestUserAgent),
    };
    return this.#peer;
  }

  onCancel(listener: () => void): void {
    if (this.#stream.destroyed) listener();
    else this.#stream.once("close", listener);
  }

  outlivedBy(work: Promise<unknown>): void {
    outlive(this.#connection, work);
  }

  expire(): void {
    this.refuse(new GatehouseError("DEADLINE_EXCEEDED"));
  }

  /** Ends a call that has not begun, after the gate has judged it. */
  refuse(error: GatehouseError): void {
    if (this.#ended) return;
    this.#ended = true;
    void this.#judge(error);
  }

  /** Ends it at once, for what is refused before anybody asks who calls. */
  turnAway(error: GatehouseError): void {
    this.#ended = true;
    this.#fail(this.#deps.chain.failure(error));
  }

  async #judge(error: GatehouseError): Promise<void> {
    const admission = await this.#deps.chain.admit(this.#entry, this);
    this.#fail("failure" in admission ? admission.failure : await admission.refuse(error));
  }

  #take(chunk: Buffer): void {
    if (this.#ended) return;
    this.#length += chunk.byteLength;
    if (this.#first === undefined) this.#first = chunk;
    else if (this.#hold(chunk)) return;
    else if (this.#rest === undefined) this.#rest = [this.#first, chunk];
    else this.#rest.push(chunk);
    const { maxRequestBytes } = this.#entry;
    if (this.#length > prefixBytes + maxRequestBytes || announces(this.#first, maxRequestBytes))
      this.refuse(new GatehouseError("REQUEST_TOO_LARGE", { metadata: { max_bytes: String(maxRequestBytes) } }));
  }

  /** True when it was refused instead. */
  #hold(chunk: Buffer): boolean {
    const held = this.#deps.held.add(this.#connection, this.#held, chunk.byteLength);
    if (held === undefined) this.refuse(noRoom());
    else if (this.#held === 0) this.#stream.once("close", () => this.#release());
    this.#held = held ?? this.#held;
    return held === undefined;
  }

  #release(): void {
    this.#deps.held.release(this.#connection, this.#held);
    this.#held = 0;
    this.#rest = undefined;
  }

  #begin(): void {
    // A stream that its caller resets ends, too.
    if (this.#ended || this.#stream.closed || this.#stream.destroyed) return;
    const body = readFrame(this.#rest === undefined ? this.#first : Buffer.concat(this.#rest));
    if (this.#held > 0) this.#release();
    if (typeof body === "string") this.refuse(new GatehouseError(body));
    else if (this.#connection.running >= this.#deps.bounds.maxStreams) this.refuse(overloaded());
    else this.#handOver(body);
  }

  #handOver(body: Buffer): void {
    this.#ended = true;
    const reply = this.#deps.chain.unary(this.#entry, this, body);
    if (reply instanceof Promise) void this.#answerLate(reply);
    else this.#answer(reply);
  }

  async #answerLate(reply: Promise<Reply>): Promise<void> {
    const connection = this.#connection;
    connection.running += 1;
    const late = await reply;
    connection.running -= 1;
    this.#answer(late);
  }

  #answer(reply: Reply): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    if ("failure" in reply) this.#fail(reply.failure);
    else if (reply.bytes.byteLength > smallAnswerBytes && !this.#keep(reply.bytes.byteLength))
      this.#fail(this.#deps.chain.failure(answersUnread()));
    else {
      const trailers = reply.metadata === undefined ? succeeded : { ...reply.metadata, ...succeeded };
      stream.respond(answerHeaders, withTrailers);
      stream.once("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end(frameOf(reply.bytes));
    }
  }

  /** False when a large answer has no room. */
  #keep(bytes: number): boolean {
    const read = this.#deps.unread.keep(this.#connection, bytes);
    if (read !== undefined) this.#stream.once("close", read);
    return read !== undefined;
  }

  /** Trailers-Only, so that clients may retry (gRFC A6). */
  #fail(failure: Failure): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    stream.respond(failureHeaders(failure), { endStream: true });
    if (!stream.readableEnded) closeSoon(stream);
  }
}

/** True when the first frame says that more will come than the method takes. */
function announces(first: Buffer, maxBytes: number): boolean {
  return first.byteLength >= prefixBytes && first.readUInt32BE(1) > maxBytes;
}
