// The chain: what every call passes on its way to a handler and back, whichever door it came in by.
import { randomUUID } from "node:crypto";
import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { Clock } from "../kernel/clock.ts";
import { GatehouseError } from "../kernel/errors.ts";
import { type Call, EncodedAnswer } from "../kernel/handler.ts";
import { type CallDeps, createExchange, type RunningExchange } from "./call.ts";
import { withinDeadline } from "./deadline-race.ts";
import { encodeStatus, metadataOf } from "./errors.ts";
import type { Incoming } from "./exchange.ts";
import { createPassage, fail } from "./passage.ts";
import type { MethodEntry } from "./policy.ts";
import type { Step } from "./step.ts";

/** A refusal or failure, ready for any wire. */
export interface Failure {
  readonly code: number;
  readonly message: string;
  /** Serialised google.rpc.Status. */
  readonly status: Uint8Array;
  readonly retryAfterMs: number | undefined;
  /** In lower case, for headers or trailers. */
  readonly metadata: Readonly<Record<string, string>>;
}

export type Reply =
  | {
      readonly bytes: Uint8Array;
      /** As in a failure: in lower case, for headers or trailers. */
      readonly metadata?: Readonly<Record<string, string>> | undefined;
    }
  | { readonly failure: Failure };

/** A call that the gate has let in and whose request has not been read yet. Exactly one of its methods is called, once. */
export interface Admission {
  /** Never throws or rejects. */
  unary(body: Uint8Array): Reply | Promise<Reply>;
  stream(requests: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, Failure | undefined>;
  /** The door could not read the request; recorded and logged like every refusal. Never rejects. */
  refuse(error: GatehouseError): Promise<Failure>;
}

export interface Chain {
  /** For doors that know the caller before they read the request. Never rejects. */
  admit(entry: MethodEntry, incoming: Incoming): Promise<Admission | { readonly failure: Failure }>;
  /** At once when neither a step nor the handler had to wait. Never throws or rejects. */
  unary(entry: MethodEntry, incoming: Incoming, body: Uint8Array): Reply | Promise<Reply>;
  /** Messages of the answer, then how it ended. For server streams `requests` gives exactly one message. */
  stream(
    entry: MethodEntry,
    incoming: Incoming,
    requests: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, Failure | undefined>;
  /** What a door says of calls that reach no method. */
  failure(error: GatehouseError): Failure;
}

export interface ChainDeps extends CallDeps {
  readonly steps: readonly Step[];
  readonly clock: Clock;
}

type AnyHandler = (request: unknown, call: Call) => unknown;

function encode(entry: MethodEntry, answer: unknown): Uint8Array {
  return answer instanceof EncodedAnswer ? answer.bytes : toBinary(entry.method.output, answer as Message);
}

function answerOf(exchange: RunningExchange, clock: Clock): Uint8Array | Promise<Uint8Array> {
  const { entry, request, replayed } = exchange;
  if (replayed !== undefined) return replayed;
  const answer = (entry.handler as AnyHandler)(request, exchange.call);
  if (!(answer instanceof Promise)) return encode(entry, answer);
  return withinDeadline(exchange, answer, clock).then((late) => encode(entry, late));
}

async function* decodeAll(entry: MethodEntry, requests: AsyncIterable<Uint8Array>): AsyncGenerator<Message> {
  for await (const body of requests) {
    if (body.byteLength > entry.maxRequestBytes)
      throw new GatehouseError("REQUEST_TOO_LARGE", { metadata: { max_bytes: String(entry.maxRequestBytes) } });
    try {
      yield fromBinary(entry.method.input, body);
    } catch (cause) {
      throw new GatehouseError("REQUEST_MALFORMED", { cause });
    }
  }
}

/** The one request of a server stream. */
async function onlyOne(requests: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const body of requests) return body;
  throw new GatehouseError("REQUEST_MALFORMED");
}

const noBody = new Uint8Array(0);

export function createChain(deps: ChainDeps): Chain {
  const { clock, steps } = deps;
  const { enter, leave } = createPassage(steps);
  const gateEnd = steps.findIndex((step) => step.name === "decode");

  function failureOf(error: GatehouseError, errorId: string, now: Date): Failure {
    return {
      code: error.code,
      message: error.message,
      status: encodeStatus(error, errorId, now),
      retryAfterMs: error.retryAfterMs,
      metadata: metadataOf(error),
    };
  }

  function failureIn({ outcome, now, answerMetadata }: RunningExchange): Failure | undefined {
    if (outcome === undefined || outcome.ok) return undefined;
    const failure = failureOf(outcome.error, outcome.errorId, now);
    return answerMetadata === undefined
      ? failure
      : { ...failure, metadata: { ...answerMetadata, ...failure.metadata } };
  }

  function replyOf(exchange: RunningExchange, bytes: Uint8Array | undefined): Reply {
    const failure = failureIn(exchange);
    if (failure === undefined && bytes !== undefined) return { bytes, metadata: exchange.answerMetadata };
    return { failure: failure ?? failureOf(new GatehouseError("INTERNAL"), randomUUID(), exchange.now) };
  }

  function conclude(exchange: RunningExchange, bytes: Uint8Array | undefined): Reply | Promise<Reply> {
    const leaving = leave(exchange);
    return leaving === undefined ? replyOf(exchange, bytes) : leaving.then(() => replyOf(exchange, bytes));
  }

  async function concludeLate(exchange: RunningExchange, answer: Promise<Uint8Array>): Promise<Reply> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await answer;
      exchange.outcome = { ok: true };
    } catch (thrown) {
      fail(exchange, thrown);
    }
    return conclude(exchange, bytes);
  }

  async function* answers(exchange: RunningExchange, requests: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { entry } = exchange;
    const input = entry.method.methodKind === "server_streaming" ? exchange.request : decodeAll(entry, requests);
    for await (const answer of (entry.handler as AnyHandler)(input, exchange.call) as AsyncIterable<unknown>)
      yield encode(entry, answer);
  }

  /** From the `from`th step to the answer. */
  function runUnary(exchange: RunningExchange, from: number): Reply | Promise<Reply> {
    try {
      const entering = enter(exchange, from, steps.length);
      const answer =
        entering === undefined ? answerOf(exchange, clock) : entering.then(() => answerOf(exchange, clock));
      if (answer instanceof Promise) return concludeLate(exchange, answer);
      exchange.outcome = { ok: true };
      return conclude(exchange, answer);
    } catch (thrown) {
      fail(exchange, thrown);
      return conclude(exchange, undefined);
    }
  }

  async function* runStream(
    exchange: RunningExchange,
    requests: AsyncIterable<Uint8Array>,
    from: number,
  ): AsyncGenerator<Uint8Array, Failure | undefined> {
    exchange.incoming.onCancel(() => {
      exchange.overdue ??= new GatehouseError("CANCELLED");
      exchange.abort(exchange.overdue);
    });
    let failure: Failure | undefined;
    try {
      if (exchange.entry.method.methodKind === "server_streaming") exchange.body = await onlyOne(requests);
      await enter(exchange, from, steps.length);
      yield* answers(exchange, requests);
    } catch (thrown) {
      fail(exchange, thrown);
    } finally {
      // Reached also when the door stops reading because the caller went away.
      exchange.outcome ??= { ok: true };
      await leave(exchange);
      failure = failureIn(exchange);
    }
    return failure;
  }

  async function refuse(exchange: RunningExchange, thrown: unknown): Promise<Failure> {
    fail(exchange, thrown);
    await leave(exchange);
    return failureIn(exchange) ?? failureOf(new GatehouseError("INTERNAL"), randomUUID(), exchange.now);
  }

  return {
    async admit(entry, incoming) {
      const exchange = createExchange(entry, incoming, noBody, clock.now(), deps);
      try {
        await enter(exchange, 0, gateEnd);
      } catch (thrown) {
        return { failure: await refuse(exchange, thrown) };
      }
      return {
        unary(body) {
          exchange.body = body;
          return runUnary(exchange, gateEnd);
        },
        stream: (requests) => runStream(exchange, requests, gateEnd),
        refuse: (error) => refuse(exchange, error),
      };
    },

    unary: (entry, incoming, body) => runUnary(createExchange(entry, incoming, body, clock.now(), deps), 0),

    stream: (entry, incoming, requests) =>
      runStream(createExchange(entry, incoming, noBody, clock.now(), deps), requests, 0),

    failure: (error) => failureOf(error, randomUUID(), clock.now()),
  };
}
