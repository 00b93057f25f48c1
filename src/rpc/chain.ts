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

export type Reply = { readonly bytes: Uint8Array } | { readonly failure: Failure };

export interface Chain {
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

/** The one request of a server stream; undefined when the caller sent none. */
async function firstOf(requests: AsyncIterable<Uint8Array>): Promise<Uint8Array | undefined> {
  for await (const body of requests) return body;
  return undefined;
}

const noBody = new Uint8Array(0);

export function createChain(deps: ChainDeps): Chain {
  const { clock } = deps;
  const { enter, leave } = createPassage(deps.steps);

  function failureOf(error: GatehouseError, errorId: string, now: Date): Failure {
    return {
      code: error.code,
      message: error.message,
      status: encodeStatus(error, errorId, now),
      retryAfterMs: error.retryAfterMs,
      metadata: metadataOf(error),
    };
  }

  function failureIn({ outcome, now }: RunningExchange): Failure | undefined {
    return outcome === undefined || outcome.ok ? undefined : failureOf(outcome.error, outcome.errorId, now);
  }

  function replyOf(exchange: RunningExchange, bytes: Uint8Array | undefined): Reply {
    const failure = failureIn(exchange);
    if (failure === undefined && bytes !== undefined) return { bytes };
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

  return {
    unary(entry, incoming, body) {
      const exchange = createExchange(entry, incoming, body, clock.now(), deps);
      try {
        const entering = enter(exchange);
        const answer =
          entering === undefined ? answerOf(exchange, clock) : entering.then(() => answerOf(exchange, clock));
        if (answer instanceof Promise) return concludeLate(exchange, answer);
        exchange.outcome = { ok: true };
        return conclude(exchange, answer);
      } catch (thrown) {
        fail(exchange, thrown);
        return conclude(exchange, undefined);
      }
    },

    async *stream(entry, incoming, requests) {
      const single = entry.method.methodKind === "server_streaming";
      const body = single ? await firstOf(requests) : noBody;
      const exchange = createExchange(entry, incoming, body ?? noBody, clock.now(), deps);
      incoming.onCancel(() => {
        exchange.overdue ??= new GatehouseError("CANCELLED");
        exchange.abort(exchange.overdue);
      });
      let failure: Failure | undefined;
      try {
        if (body === undefined) throw new GatehouseError("REQUEST_MALFORMED");
        await enter(exchange);
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
    },

    failure: (error) => failureOf(error, randomUUID(), clock.now()),
  };
}
