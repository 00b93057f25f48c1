// One call over the web: past the gate first, then its request is read, and its answer written in the protocol it came in.
import type { Clock } from "../../kernel/clock.ts";
import type { Admission, Chain, Reply } from "../chain.ts";
import { answersUnread, type Unread } from "../connections/unread.ts";
import { asGatehouseError } from "../errors.ts";
import type { CallerAddress } from "../forwarded.ts";
import type { MethodEntry } from "../policy.ts";
import { chunksOf, readBody, timedChunksOf } from "./body.ts";
import { lastEnvelope, sendFailure } from "./ending.ts";
import { envelope, onlyEnvelope, openEnvelopes } from "./envelopes.ts";
import { setHeaders } from "./headers.ts";
import { incomingOf, peerOf } from "./incoming.ts";
import { isGone } from "./message.ts";
import { type Sender, type WebCall, welcomeBody } from "./sending.ts";
import { type Head, headOf, type Wire } from "./wire.ts";

export interface CallDeps {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly sender: Sender;
  readonly unread: Unread;
  readonly callerAddress: CallerAddress;
  /** For the request of a unary call to come in whole, when its caller names no earlier deadline. */
  readonly requestMs: number;
}

/** A call whose protocol is known. */
export interface KnownCall extends WebCall {
  readonly entry: MethodEntry;
  readonly wire: Wire;
  /** The request where it stands in the URL. */
  readonly query?: Uint8Array;
}

/** The same with its headers read. */
interface ReadCall extends KnownCall {
  readonly head: Head;
  /** Milliseconds for one message to come in. */
  readonly withinMs: number;
}

export type AnswerCall = (call: KnownCall) => Promise<void>;

function boundsOf({ entry, wire, head: { encoding } }: ReadCall) {
  return { encoding, maxBytes: entry.maxRequestBytes * wire.codec.inflation };
}

/** The one request, in binary form. Throws GatehouseError. */
async function requestOf(call: ReadCall): Promise<Uint8Array> {
  const { entry, wire, withinMs } = call;
  if (call.head.problem !== undefined) throw call.head.problem;
  if (call.query !== undefined) return wire.codec.request(entry.method, call.query);
  welcomeBody(call);
  const { encoding, maxBytes } = boundsOf(call);
  const body = wire.enveloped
    ? await onlyEnvelope(openEnvelopes(timedChunksOf(call, withinMs), { encoding, maxBytes }))
    : await readBody(call, encoding, { maxBytes, withinMs });
  return wire.codec.request(entry.method, body);
}

/** The requests of a stream. Those that come one by one may take as long as they like. */
async function* requestsOf(call: ReadCall): AsyncGenerator<Uint8Array> {
  const { entry, wire } = call;
  if (entry.method.methodKind === "server_streaming") {
    yield await requestOf(call);
    return;
  }
  welcomeBody(call);
  for await (const message of openEnvelopes(chunksOf(call), boundsOf(call)))
    yield wire.codec.request(entry.method, message);
}

type Answering = Pick<CallDeps, "chain" | "sender" | "unread">;

function sendAnswer(
  { chain, sender, unread }: Answering,
  call: KnownCall,
  { bytes, metadata }: Extract<Reply, { bytes: Uint8Array }>,
): void {
  const { entry, wire, response } = call;
  const answer = wire.codec.answer(entry.method, bytes);
  const body = wire.enveloped ? Buffer.concat([envelope(0, answer), lastEnvelope(wire, undefined)]) : answer;
  const read = unread.keep(call.connection, body.byteLength);
  if (read === undefined || isGone(response)) {
    read?.();
    sendFailure(sender, call, chain.failure(answersUnread()));
    return;
  }
  response.once("close", read);
  sender.whole(call, { status: 200, contentType: wire.contentType, body, headers: metadata });
}

async function answerUnary(deps: Answering, call: ReadCall, admission: Admission): Promise<void> {
  const { sender } = deps;
  let request: Uint8Array;
  try {
    request = await requestOf(call);
  } catch (thrown) {
    sendFailure(sender, call, await admission.refuse(asGatehouseError(thrown)));
    return;
  }
  const reply = await admission.unary(request);
  if ("failure" in reply) sendFailure(sender, call, reply.failure);
  else sendAnswer(deps, call, reply);
}

async function answerStream({ sender }: Answering, call: ReadCall, admission: Admission): Promise<void> {
  const { response, entry, wire, head } = call;
  if (head.problem !== undefined) {
    sendFailure(sender, call, await admission.refuse(head.problem));
    return;
  }
  const answers = admission.stream(requestsOf(call));
  try {
    let next = await answers.next();
    if (next.done) {
      const body = lastEnvelope(wire, next.value);
      sender.whole(call, { status: 200, contentType: wire.contentType, body });
      return;
    }
    setHeaders(response, { "content-type": wire.contentType });
    while (!next.done) {
      if (!(await sender.piece(response, envelope(0, wire.codec.answer(entry.method, next.value))))) return;
      next = await answers.next();
    }
    if (!isGone(response)) sender.end(call, lastEnvelope(wire, next.value));
  } finally {
    // A caller that stopped reading ends the call; one that has ended stays so.
    await answers.return(undefined);
  }
}

export function createCalls(deps: CallDeps): AnswerCall {
  const { chain, clock, sender, requestMs } = deps;
  return async (call) => {
    const { request, response, entry, wire } = call;
    const head = headOf(request, wire);
    const { timeoutMs } = head;
    const deadline = timeoutMs === undefined ? undefined : clock.now().getTime() + timeoutMs;
    const peer = peerOf(request, call.connection, deps.callerAddress);
    const incoming = incomingOf({ request, response, peer, protocol: wire.protocol, deadline });
    const admission = await chain.admit(entry, incoming);
    if ("failure" in admission) {
      sendFailure(sender, call, admission.failure);
      return;
    }
    const read = { ...call, head, withinMs: Math.min(requestMs, timeoutMs ?? requestMs) };
    await (entry.method.methodKind === "unary" ? answerUnary : answerStream)(deps, read, admission);
  };
}
