// A call with a stream of requests or answers, from any step of the chain on.
import { fromBinary, type Message } from "@bufbuild/protobuf";
import { GatehouseError } from "../kernel/errors.ts";
import type { RunningExchange } from "./call.ts";
import type { Failure } from "./chain.ts";
import { fail, type Passage } from "./passage.ts";
import type { MethodEntry } from "./policy.ts";
import { failureIn } from "./replies.ts";
import type { Step } from "./step.ts";
import type { StreamWatch } from "./stream-watch.ts";
import { type AnyHandler, encodeAnswer } from "./unary.ts";

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

async function* answers(exchange: RunningExchange, requests: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { entry } = exchange;
  const input = entry.method.methodKind === "server_streaming" ? exchange.request : decodeAll(entry, requests);
  for await (const answer of (entry.handler as AnyHandler)(input, exchange.call) as AsyncIterable<unknown>)
    yield encodeAnswer(entry, answer);
}

/** From the `from`th step to the end of the answers, and how they ended. */
export type StreamRun = (
  exchange: RunningExchange,
  requests: AsyncIterable<Uint8Array>,
  from: number,
) => AsyncGenerator<Uint8Array, Failure | undefined>;

export function createStreamRun(deps: {
  readonly passage: Passage;
  readonly steps: readonly Step[];
  readonly watch: StreamWatch;
}): StreamRun {
  const { enter, leave } = deps.passage;
  const end = deps.steps.length;
  const beginnings = deps.steps.toReversed().flatMap(({ begin }) => begin ?? []);
  return async function* run(exchange, requests, from) {
    const watched = deps.watch.watch(exchange);
    exchange.incoming.onCancel(() => watched.end(new GatehouseError("CANCELLED")));
    let failure: Failure | undefined;
    try {
      if (exchange.entry.method.methodKind === "server_streaming") exchange.body = await onlyOne(requests);
      await enter(exchange, from, end);
      for (const begin of beginnings) await begin(exchange);
      yield* watched.until(answers(exchange, requests));
    } catch (thrown) {
      fail(exchange, thrown);
    } finally {
      watched.forget();
      // Reached also when the door stops reading because the caller went away.
      exchange.outcome ??= { ok: true };
      await leave(exchange);
      failure = failureIn(exchange);
    }
    return failure;
  };
}
