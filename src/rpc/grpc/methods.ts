// Hands each method of the table to grpc-js with identity codecs, so that nothing is decoded before the gate.
import type {
  Metadata,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { GatehouseError } from "../../kernel/errors.ts";
import type { Chain, Failure, Reply } from "../chain.ts";
import type { MethodEntry, PolicyTable } from "../policy.ts";
import { GrpcIncoming } from "./incoming.ts";
import { statusOf, trailersOf } from "./library.ts";

const identity = (bytes: Buffer): Buffer => bytes;

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function unary(chain: Chain, entry: MethodEntry) {
  return (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
    const answer = (reply: Reply): void => {
      if ("failure" in reply) callback(statusOf(reply.failure));
      else callback(null, asBuffer(reply.bytes), trailersOf(reply.metadata));
    };
    const reply = chain.unary(entry, new GrpcIncoming(call), call.request);
    if (reply instanceof Promise) void reply.then(answer);
    else answer(reply);
  };
}

type ResponseStream = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

function written(call: ResponseStream, bytes: Buffer): Promise<void> | undefined {
  if (call.write(bytes)) return undefined;
  return new Promise((resolve) => {
    const resume = () => {
      call.off("drain", resume).off("cancelled", resume);
      resolve();
    };
    call.on("drain", resume).on("cancelled", resume);
  });
}

async function pump(call: ResponseStream, answers: AsyncGenerator<Uint8Array, Failure | undefined>): Promise<void> {
  let next = await answers.next();
  while (!next.done) {
    if (call.cancelled) {
      await answers.return(undefined);
      return;
    }
    await written(call, asBuffer(next.value));
    next = await answers.next();
  }
  if (next.value === undefined) call.end();
  else call.emit("error", statusOf(next.value));
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function serverStream(chain: Chain, entry: MethodEntry) {
  return (call: ServerWritableStream<Buffer, Buffer>): void => {
    void pump(call, chain.stream(entry, new GrpcIncoming(call), once(call.request)));
  };
}

function bidiStream(chain: Chain, entry: MethodEntry) {
  return (call: ServerDuplexStream<Buffer, Buffer>): void => {
    // A stream destroyed because nobody reads on could not be told why any more.
    const requests: AsyncIterable<Buffer> = call.iterator({ destroyOnReturn: false });
    void pump(call, chain.stream(entry, new GrpcIncoming(call), requests));
  };
}

function implementationOf(chain: Chain, entry: MethodEntry) {
  if (entry.method.methodKind === "unary") return unary(chain, entry);
  return entry.method.methodKind === "server_streaming" ? serverStream(chain, entry) : bidiStream(chain, entry);
}

export function grpcMethods(
  chain: Chain,
  table: PolicyTable,
): { definition: ServiceDefinition; implementation: UntypedServiceImplementation } {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [path, entry] of table) {
    const kind = entry.method.methodKind;
    definition[path] = {
      path,
      requestStream: kind === "bidi_streaming" || kind === "client_streaming",
      responseStream: kind === "bidi_streaming" || kind === "server_streaming",
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    };
    implementation[path] = implementationOf(chain, entry);
  }
  return { definition, implementation };
}

/** A handler, in the form that grpc-js keeps them, for calls that reach no method. */
export function refusing(chain: Chain, error: () => GatehouseError): unknown {
  return {
    type: "bidi",
    path: "",
    serialize: identity,
    deserialize: identity,
    func: (call: ServerDuplexStream<Buffer, Buffer> & { metadata: Metadata }) => {
      call.emit("error", statusOf(chain.failure(error())));
    },
  };
}
