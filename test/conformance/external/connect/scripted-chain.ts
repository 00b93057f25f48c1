// The real chain, with a way for the suite's handlers to say what no handler of ours may: any status, headers, trailers.
import { create, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { StatusSchema } from "@gatehouse/proto/google/rpc/status_pb.js";
import type { Call, Peer } from "../../../../src/kernel/handler.ts";
import type { Admission, Chain, Failure, Reply } from "../../../../src/rpc/chain.ts";
import type { Incoming } from "../../../../src/rpc/exchange.ts";

export interface ScriptedError {
  readonly code: number;
  readonly message: string;
  readonly details: readonly Any[];
}

export type Pairs = Readonly<Record<string, string>>;

/** What a handler of the suite sees and sets. */
export interface Script {
  readonly incoming: Incoming;
  /** Milliseconds that the caller gave, less what has passed; undefined = it gave none. */
  readonly timeoutMs: number | undefined;
  headers: Pairs;
  trailers: Pairs;
  error: ScriptedError | undefined;
}

interface ScriptedPeer extends Peer {
  readonly script: Script;
}

/** A handler throws this after it has set `script.error`. */
export class Scripted extends Error {}

export function scriptOf(call: Call): Script {
  return (call.peer as ScriptedPeer).script;
}

/** By the name that the suite gives each of its calls, for what is written on the wire itself. */
export type Scripts = Map<string, Script>;

export const caseHeader = "x-test-case-name";

/** The trailers of a call as its door takes them; headers are written on the wire itself. */
export type MetadataOf = (script: Script, form: "unary" | "stream") => Pairs;

function failureOf(script: Script, metadata: Pairs, failure: Failure): Failure {
  const { error } = script;
  if (error === undefined) return failure;
  const status = create(StatusSchema, { code: error.code, message: error.message, details: [...error.details] });
  return {
    ...failure,
    code: error.code,
    message: error.message,
    status: toBinary(StatusSchema, status),
    retryAfterMs: undefined,
    metadata,
  };
}

function scripted(incoming: Incoming, scripts: Scripts): { script: Script; seen: Incoming } {
  const { deadline } = incoming;
  const script: Script = {
    incoming,
    timeoutMs: deadline === undefined ? undefined : Math.max(0, Math.round(deadline - Date.now())),
    headers: {},
    trailers: {},
    error: undefined,
  };
  const [name] = incoming.metadata(caseHeader);
  if (name !== undefined) scripts.set(name, script);
  const peer: ScriptedPeer = { ...incoming.peer, script };
  const seen: Incoming = {
    protocol: incoming.protocol,
    deadline,
    peer,
    metadata: (key) => incoming.metadata(key),
    onCancel: (listener) => incoming.onCancel(listener),
  };
  return { script, seen };
}

export function createScriptedChain(chain: Chain, scripts: Scripts, metadataOf: MetadataOf): Chain {
  function replyOf(script: Script, reply: Reply): Reply {
    const metadata = metadataOf(script, "unary");
    return "failure" in reply
      ? { failure: failureOf(script, metadata, reply.failure) }
      : { bytes: reply.bytes, metadata };
  }

  async function* streamed(
    script: Script,
    answers: AsyncGenerator<Uint8Array, Failure | undefined>,
  ): AsyncGenerator<Uint8Array, Failure | undefined> {
    const failure = yield* answers;
    return failure === undefined ? undefined : failureOf(script, metadataOf(script, "stream"), failure);
  }

  return {
    async admit(entry, incoming): Promise<Admission | { readonly failure: Failure }> {
      const { script, seen } = scripted(incoming, scripts);
      const admission = await chain.admit(entry, seen);
      if ("failure" in admission) return admission;
      return {
        unary: async (body): Promise<Reply> => replyOf(script, await admission.unary(body)),
        stream: (requests) => streamed(script, admission.stream(requests)),
        refuse: (error) => admission.refuse(error),
      };
    },
    async unary(entry, incoming, body): Promise<Reply> {
      const { script, seen } = scripted(incoming, scripts);
      return replyOf(script, await chain.unary(entry, seen, body));
    },
    stream(entry, incoming, requests) {
      const { script, seen } = scripted(incoming, scripts);
      return streamed(script, chain.stream(entry, seen, requests));
    },
    failure: (error) => chain.failure(error),
  };
}
