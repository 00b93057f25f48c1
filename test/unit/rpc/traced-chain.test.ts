// The span around a call ends once, with the code of its answer, whichever way the call ends.
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import type { CallTracer, ServedCall } from "../../../src/kernel/tracer.ts";
import type { Chain, Failure } from "../../../src/rpc/chain.ts";
import type { MethodEntry } from "../../../src/rpc/policy.ts";
import { traceCalls } from "../../../src/rpc/traced-chain.ts";
import { incomingOf } from "../../fakes/chain.ts";

const entry = { name: "a.v1.A/B" } as MethodEntry;
const bytes = new Uint8Array(1);
const failure = { code: 7 } as Failure;

function trace(parts: Partial<Chain>) {
  const begun: ServedCall[] = [];
  const ended: number[] = [];
  const tracer: CallTracer = {
    begin(call) {
      begun.push(call);
      return { run: (work) => work(), end: (code) => void ended.push(code) };
    },
    traceId: () => undefined,
  };
  const chain = traceCalls(parts as Chain, tracer);
  return { chain, begun, ended };
}

async function* answers(closed: () => void, end: Failure | undefined) {
  try {
    yield bytes;
    yield bytes;
    return end;
  } finally {
    closed();
  }
}

async function* requests() {
  yield bytes;
}

describe("the span of a unary call", () => {
  it.each([
    ["at once", () => ({ bytes }), 0],
    ["late", async () => ({ bytes }), 0],
    ["refused", () => ({ failure }), 7],
    ["refused late", async () => ({ failure }), 7],
  ])("ends with the answer: %s", async (_title, unary, code) => {
    const { chain, ended } = trace({ unary });
    await chain.unary(entry, incomingOf(), bytes);
    expect(ended).toEqual([code]);
  });

  it("takes one traceparent, and of two none", () => {
    const { chain, begun } = trace({ unary: () => ({ bytes }) });
    chain.unary(entry, incomingOf({ metadata: { traceparent: ["a"], tracestate: ["b=1", "c=2"] } }), bytes);
    chain.unary(entry, incomingOf({ metadata: { traceparent: ["a", "b"] } }), bytes);
    expect(begun.map(({ traceParent, traceState }) => [traceParent, traceState])).toEqual([
      ["a", "b=1,c=2"],
      [undefined, undefined],
    ]);
  });
});

describe("the span of a stream", () => {
  it.each([
    ["to its end", undefined, 0],
    ["to its refusal", failure, 7],
  ])("lives %s", async (_title, end, code) => {
    const { chain, ended } = trace({ stream: () => answers(() => {}, end) });
    const stream = chain.stream(entry, incomingOf(), requests());
    let next = await stream.next();
    let count = 0;
    while (!next.done) {
      count += 1;
      next = await stream.next();
    }
    expect([count, next.value, ended]).toEqual([2, end, [code]]);
  });

  it("ends as cancelled when the door stops reading, and the chain hears of it", async () => {
    let closed = 0;
    const { chain, ended } = trace({ stream: () => answers(() => void closed++, undefined) });
    const stream = chain.stream(entry, incomingOf(), requests());
    await stream.next();
    await stream.return(undefined);
    expect([closed, ended]).toEqual([1, [1]]);
  });
});

describe("the span of a call whose request is read later", () => {
  const error = new GatehouseError("REQUEST_MALFORMED");

  it("ends at the gate when the call is refused there", async () => {
    const { chain, ended } = trace({ admit: async () => ({ failure }) });
    expect(await chain.admit(entry, incomingOf())).toEqual({ failure });
    expect(ended).toEqual([7]);
  });

  it.each([
    ["answered", 0, (admission: { unary(body: Uint8Array): unknown }) => admission.unary(bytes)],
    ["refused by the door", 7, (admission: { refuse(error: GatehouseError): unknown }) => admission.refuse(error)],
  ])("ends when it is %s", async (_title, code, go) => {
    const { chain, ended } = trace({
      admit: async () => ({
        unary: () => ({ bytes }),
        stream: () => answers(() => {}, undefined),
        refuse: async () => failure,
      }),
    });
    const admission = await chain.admit(entry, incomingOf());
    expect(ended).toEqual([]);
    if (!("failure" in admission)) await go(admission);
    expect(ended).toEqual([code]);
  });
});
