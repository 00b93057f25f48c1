// The suite's service as its contract describes it: every method answers what its request tells it to.
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import type { Call, ServiceBinding } from "../../../../src/kernel/handler.ts";
import type { SuiteContract } from "./contract.ts";
import { type Pairs, type Script, Scripted, scriptOf } from "./scripted-chain.ts";

interface Header {
  readonly name: string;
  readonly value: readonly string[];
}

interface ErrorSketch {
  readonly code: number;
  readonly message?: string;
  readonly details: readonly Any[];
}

interface Definition {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
  readonly responseDelayMs: number;
  /** Of single answers. */
  readonly response?: { readonly case?: string; readonly value?: unknown };
  /** Of streams. */
  readonly responseData?: readonly Uint8Array[];
  readonly error?: ErrorSketch;
}

interface SuiteRequest extends Message {
  readonly responseDefinition?: Definition;
  readonly fullDuplex?: boolean;
}

/** Every name that a case of the suite sends and wants to see again. */
const echoedHeaders = ["x-conformance-test", "x-test-case-name", "x-custom-header"];

function pairsOf(headers: readonly Header[] = []): Pairs {
  return Object.fromEntries(headers.map(({ name, value }) => [name.toLowerCase(), value.join(", ")]));
}

/** Rejects when nobody waits any more. */
function delay(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

export function createSuiteService(contract: SuiteContract): ServiceBinding {
  const { service } = contract;
  const requestInfo = contract.message("ConformancePayload.RequestInfo");

  function infoOf(script: Script, schema: DescMessage, requests: readonly Message[]): Message {
    const { incoming, timeoutMs } = script;
    return create(requestInfo, {
      requestHeaders: echoedHeaders.flatMap((name) => {
        const value = [...incoming.metadata(name)];
        return value.length === 0 ? [] : [{ name, value }];
      }),
      ...(timeoutMs === undefined ? {} : { timeoutMs: BigInt(timeoutMs) }),
      requests: requests.map((request) => anyPack(schema, request)),
    });
  }

  function fail(script: Script, error: ErrorSketch, more: readonly Any[] = []): never {
    script.error = { code: error.code, message: error.message ?? "", details: [...error.details, ...more] };
    throw new Scripted();
  }

  async function single(
    schema: DescMessage,
    output: DescMessage,
    requests: readonly Message[],
    call: Call,
  ): Promise<Message> {
    const script = scriptOf(call);
    const definition = (requests[0] as SuiteRequest | undefined)?.responseDefinition;
    const info = infoOf(script, schema, requests);
    script.trailers = pairsOf(definition?.responseTrailers);
    await delay(definition?.responseDelayMs ?? 0, call.signal);
    script.headers = pairsOf(definition?.responseHeaders);
    const { case: kind, value } = definition?.response ?? {};
    if (kind === "error") fail(script, value as ErrorSketch, [anyPack(requestInfo, info)]);
    const data = kind === "responseData" ? (value as Uint8Array) : new Uint8Array();
    return create(output, { payload: { data, requestInfo: info } });
  }

  /** Sends what is defined, echoing in the first answer what was asked. */
  async function* several(schema: DescMessage, output: DescMessage, requests: readonly Message[], call: Call) {
    const script = scriptOf(call);
    const definition = (requests[0] as SuiteRequest | undefined)?.responseDefinition;
    script.trailers = pairsOf(definition?.responseTrailers);
    script.headers = pairsOf(definition?.responseHeaders);
    const answers = definition?.responseData ?? [];
    const info = infoOf(script, schema, requests);
    for (const [index, data] of answers.entries()) {
      await delay(definition?.responseDelayMs ?? 0, call.signal);
      yield create(output, { payload: { data, ...(index === 0 ? { requestInfo: info } : {}) } });
    }
    if (definition?.error) fail(script, definition.error, answers.length === 0 ? [anyPack(requestInfo, info)] : []);
  }

  async function* inTurns(
    schema: DescMessage,
    output: DescMessage,
    first: SuiteRequest,
    others: AsyncIterator<Message>,
    call: Call,
  ) {
    const script = scriptOf(call);
    const definition = first.responseDefinition;
    script.trailers = pairsOf(definition?.responseTrailers);
    script.headers = pairsOf(definition?.responseHeaders);
    const answers = definition?.responseData ?? [];
    let request: Message | undefined = first;
    for (let index = 0; request !== undefined && index < answers.length; index++) {
      await delay(definition?.responseDelayMs ?? 0, call.signal);
      const info =
        index === 0 ? infoOf(script, schema, [request]) : create(requestInfo, { requests: [anyPack(schema, request)] });
      yield create(output, { payload: { data: answers[index] ?? new Uint8Array(), requestInfo: info } });
      const next = await others.next();
      request = next.done ? undefined : next.value;
    }
    if (definition?.error) {
      const info = infoOf(script, schema, request === undefined ? [] : [request]);
      fail(script, definition.error, answers.length === 0 ? [anyPack(requestInfo, info)] : []);
    }
  }

  async function* bidi(requests: AsyncIterable<Message>, call: Call, schema: DescMessage, output: DescMessage) {
    const incoming = requests[Symbol.asyncIterator]();
    const { value: first, done } = await incoming.next();
    if (done || !(first as SuiteRequest).fullDuplex) {
      const all = done ? [] : [first as Message];
      if (!done) for await (const request of { [Symbol.asyncIterator]: () => incoming }) all.push(request);
      yield* several(schema, output, all, call);
    } else {
      yield* inTurns(schema, output, first as SuiteRequest, incoming, call);
    }
  }

  async function* oneAnswer(requests: AsyncIterable<Message>, call: Call, schema: DescMessage, output: DescMessage) {
    const all: Message[] = [];
    for await (const request of requests) all.push(request);
    yield await single(schema, output, all, call);
  }

  const { unary, idempotentUnary, serverStream, clientStream, bidiStream } = service.method;
  const unaryOf = (method: typeof unary) => (request: Message, call: Call) =>
    single(method!.input, method!.output, [request], call);
  return {
    service,
    handlers: {
      unary: unaryOf(unary),
      idempotentUnary: unaryOf(idempotentUnary),
      serverStream: (request: Message, call: Call) =>
        several(serverStream!.input, serverStream!.output, [request], call),
      clientStream: (requests: AsyncIterable<Message>, call: Call) =>
        oneAnswer(requests, call, clientStream!.input, clientStream!.output),
      bidiStream: (requests: AsyncIterable<Message>, call: Call) =>
        bidi(requests, call, bidiStream!.input, bidiStream!.output),
    },
  };
}
