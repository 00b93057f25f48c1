// The chain: what every call passes on its way to a handler and back, whichever door it came in by.
import { randomUUID } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import type { GatehouseError, Reason } from "../kernel/errors.ts";
import { type CallDeps, createExchange, type RunningExchange } from "./call.ts";
import type { Incoming } from "./exchange.ts";
import { createPassage, fail } from "./passage.ts";
import type { MethodEntry } from "./policy.ts";
import { failureOf, refusalOf } from "./replies.ts";
import type { Step } from "./step.ts";
import { createStreamWatch } from "./stream-watch.ts";
import { createStreamRun } from "./streaming.ts";
import { createUnaryRun } from "./unary.ts";

/** A refusal or failure, ready for any wire. */
export interface Failure {
  readonly code: number;
  readonly reason: Reason;
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

const noBody = new Uint8Array(0);

export function createChain(deps: ChainDeps): Chain {
  const { clock, steps } = deps;
  const passage = createPassage(steps);
  const gateEnd = steps.findIndex((step) => step.name === "decode");
  const runUnary = createUnaryRun({ passage, clock, end: steps.length });
  const runStream = createStreamRun({ passage, steps, watch: createStreamWatch(deps) });

  async function refuse(exchange: RunningExchange, thrown: unknown): Promise<Failure> {
    fail(exchange, thrown);
    await passage.leave(exchange);
    return refusalOf(exchange);
  }

  return {
    async admit(entry, incoming) {
      const exchange = createExchange(entry, incoming, noBody, clock.now(), deps);
      try {
        await passage.enter(exchange, 0, gateEnd);
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
