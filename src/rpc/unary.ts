// A call with one request and one answer, from any step of the chain on. It waits only where a step or the handler waits.
import { type Message, toBinary } from "@bufbuild/protobuf";
import type { Clock } from "../kernel/clock.ts";
import { type Call, EncodedAnswer } from "../kernel/handler.ts";
import type { RunningExchange } from "./call.ts";
import type { Reply } from "./chain.ts";
import { withinDeadline } from "./deadline-race.ts";
import { fail, type Passage } from "./passage.ts";
import type { MethodEntry } from "./policy.ts";
import { replyOf } from "./replies.ts";

export type AnyHandler = (request: unknown, call: Call) => unknown;

export function encodeAnswer(entry: MethodEntry, answer: unknown): Uint8Array {
  return answer instanceof EncodedAnswer ? answer.bytes : toBinary(entry.method.output, answer as Message);
}

function answerOf(exchange: RunningExchange, clock: Clock): Uint8Array | Promise<Uint8Array> {
  const { entry, request, replayed } = exchange;
  if (replayed !== undefined) return replayed;
  const answer = (entry.handler as AnyHandler)(request, exchange.call);
  if (!(answer instanceof Promise)) return encodeAnswer(entry, answer);
  return withinDeadline(exchange, answer, clock).then((late) => encodeAnswer(entry, late));
}

/** From the `from`th step to the answer. Never throws or rejects. */
export type UnaryRun = (exchange: RunningExchange, from: number) => Reply | Promise<Reply>;

export function createUnaryRun(deps: {
  readonly passage: Passage;
  /** How many steps the chain has. */
  readonly end: number;
  readonly clock: Clock;
}): UnaryRun {
  const { clock, end } = deps;
  const { enter, leave } = deps.passage;

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

  return (exchange, from) => {
    try {
      const entering = enter(exchange, from, end);
      const answer =
        entering === undefined ? answerOf(exchange, clock) : entering.then(() => answerOf(exchange, clock));
      if (answer instanceof Promise) return concludeLate(exchange, answer);
      exchange.outcome = { ok: true };
      return conclude(exchange, answer);
    } catch (thrown) {
      fail(exchange, thrown);
      return conclude(exchange, undefined);
    }
  };
}
