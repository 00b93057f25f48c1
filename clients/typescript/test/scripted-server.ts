// A real grpc-js server in this process whose answers a test writes down: the only double of the client's tests.
import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "@gatehouse/proto/google/rpc/error_details_pb.js";
import { StatusSchema } from "@gatehouse/proto/google/rpc/status_pb.js";
import { ServerReflection } from "@gatehouse/proto/grpc/reflection/v1/reflection_pb.js";
import { Health } from "@gatehouse/proto/health/v1/health_pb.js";
import * as grpc from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import { services } from "../src/core/services.ts";

const allServices = [...Object.values(services), Health, ServerReflection];

export interface SeenCall<M extends DescMethod = DescMethod> {
  readonly method: string;
  readonly request: MessageShape<M["input"]>;
  /** Without `Bearer `. */
  readonly token: string | undefined;
  readonly metadata: grpc.Metadata;
  readonly deadline: grpc.Deadline;
  readonly wire: grpc.ServerUnaryCall<unknown, unknown>;
}

export type Script<M extends DescMethod> = (
  call: SeenCall<M>,
) => MessageInitShape<M["output"]> | Promise<MessageInitShape<M["output"]>>;

export type StreamScript<M extends DescMethod> = (
  wire: grpc.ServerDuplexStream<MessageShape<M["input"]>, MessageInitShape<M["output"]>>,
) => void;

export interface ScriptedServer {
  readonly address: string;
  readonly calls: SeenCall[];
  on<M extends DescMethod>(method: M, script: Script<M>): void;
  onStream<M extends DescMethod>(method: M, script: StreamScript<M>): void;
  callsOf(method: DescMethod): SeenCall[];
  /** Cuts all connections. */
  stop(): void;
}

export interface RefusalParts {
  readonly code: grpc.status;
  readonly reason: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly { field: string; description: string }[];
  readonly retryAfterMs?: number;
  readonly trailers?: Readonly<Record<string, string>>;
}

function withDetails(bytes: Uint8Array, trailers: Readonly<Record<string, string>> = {}): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(bytes));
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  return metadata;
}

/** An error as the server's error table makes it. */
export function refusal(parts: RefusalParts): Partial<grpc.StatusObject> {
  const { code, reason, violations, retryAfterMs } = parts;
  const metadata = { code: "SEC-TEST-001", error_id: "e-1", timestamp: "2026-01-02T03:04:05Z", ...parts.metadata };
  const info = create(ErrorInfoSchema, { reason, domain: "gatehouse", metadata });
  const details = [anyPack(ErrorInfoSchema, info)];
  if (violations !== undefined) {
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations: [...violations] })));
  }
  if (retryAfterMs !== undefined) {
    const retry = create(RetryInfoSchema, { retryDelay: durationFromMs(retryAfterMs) });
    details.push(anyPack(RetryInfoSchema, retry));
  }
  const status = create(StatusSchema, { code, message: "refused", details });
  return { code, details: "refused", metadata: withDetails(toBinary(StatusSchema, status), parts.trailers) };
}

/** An error whose details are whatever bytes one likes. */
export function strangeRefusal(code: grpc.status, details: Uint8Array): Partial<grpc.StatusObject> {
  return { code, details: "strange", metadata: withDetails(details) };
}

function tokenIn(metadata: grpc.Metadata): string | undefined {
  return metadata.get("authorization")[0]?.toString().replace("Bearer ", "");
}

function definitionOf(method: DescMethod): grpc.MethodDefinition<unknown, unknown> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === "bidi_streaming",
    responseStream: method.methodKind !== "unary",
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(method.output, create(method.output, message as never))),
    responseDeserialize: () => undefined,
  };
}

/** Listens on a free port of 127.0.0.1, or on `address`; stops when the test is over. */
export async function startServer(
  address = "127.0.0.1:0",
  security = grpc.ServerCredentials.createInsecure(),
): Promise<ScriptedServer> {
  const scripts = new Map<DescMethod, (call: SeenCall) => unknown>();
  const streams = new Map<DescMethod, (wire: never) => void>();
  const calls: SeenCall[] = [];

  function unary(method: DescMethod): grpc.handleUnaryCall<unknown, unknown> {
    return async (wire, callback) => {
      const { request, metadata } = wire;
      const seen = {
        method: method.name,
        request,
        token: tokenIn(metadata),
        metadata,
        deadline: wire.getDeadline(),
        wire,
      };
      calls.push(seen as SeenCall);
      const script = scripts.get(method);
      if (script === undefined) return callback({ code: grpc.status.UNIMPLEMENTED, details: "no script" });
      try {
        callback(null, await script(seen as SeenCall));
      } catch (error) {
        callback(error as grpc.ServiceError);
      }
    };
  }

  const server = new grpc.Server();
  for (const service of allServices) {
    const definition: Record<string, grpc.MethodDefinition<unknown, unknown>> = {};
    const implementation: grpc.UntypedServiceImplementation = {};
    for (const method of service.methods) {
      definition[method.localName] = definitionOf(method);
      implementation[method.localName] = (
        method.methodKind === "unary" ? unary(method) : (wire: unknown) => streams.get(method)?.(wire as never)
      ) as grpc.UntypedHandleCall;
    }
    server.addService(definition, implementation);
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, security, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  const stop = (): void => server.forceShutdown();
  onTestFinished(stop);
  return {
    address: address.startsWith("unix:") ? address : `127.0.0.1:${port}`,
    calls,
    on: (method, script) => void scripts.set(method, script as never),
    onStream: (method, script) => void streams.set(method, script as never),
    callsOf: (method) => calls.filter((call) => call.method === method.name),
    stop,
  };
}
