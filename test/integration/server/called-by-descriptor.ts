// Calls every method of every service that the contracts hold, through both doors, with requests filled from their descriptors:
// a method that is added is called without anybody thinking of it.
import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  getOption,
  type Message,
  ScalarType,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { createClient } from "@connectrpc/connect";
import { data, FieldData } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { services } from "../../../clients/typescript/src/core/services.ts";
import { GatehouseError } from "../../../clients/typescript/src/index.ts";
import { createGrpcTransport } from "../../../clients/typescript/src/transport/grpc.ts";
import { filledMessage } from "../../fakes/filled-message.ts";
import type { GatehouseProcess } from "./gatehouse-process.ts";

export const everyMethod: readonly DescMethod[] = (Object.values(services) as readonly DescService[]).flatMap(
  ({ methods }) => [...methods],
);

export const methodName = (method: DescMethod): string => `${method.parent.typeName}/${method.name}`;

export type TextOf = (kind: FieldData) => string;

/** Plain fields alone, so that what asks for a short text gets past most rules. */
export function plainlyFilled(message: DescMessage, text: TextOf): Message {
  const request = create(message);
  const writing = reflect(message, request);
  const set = (field: DescField): void => {
    if (field.fieldKind !== "scalar" || field.oneof !== undefined) return;
    const kind = getOption(field, data);
    const value = kind === FieldData.SECRET || kind === FieldData.PERSONAL ? text(kind) : "x";
    if (field.scalar === ScalarType.STRING) writing.set(field, value);
    if (field.scalar === ScalarType.BYTES) writing.set(field, Buffer.from(value));
  };
  message.fields.forEach(set);
  return request;
}

/** Every field that there is, lists, maps, oneofs and messages in messages included. */
export function wholeFilled(message: DescMessage, text: TextOf): Message {
  const masked = (kind: FieldData) => (kind === FieldData.PUBLIC ? "x" : text(kind));
  return filledMessage(message, { choose: (below) => below - 1, text: masked });
}

type AnyCall = (request: unknown, options: { headers: Record<string, string>; signal: AbortSignal }) => unknown;

export interface Attempt {
  readonly method: DescMethod;
  readonly request: Message;
  readonly authorization: string | undefined;
}

/** What it failed with; undefined when it succeeded, whose answer is the caller's own. */
export interface Doors extends Disposable {
  grpc(attempt: Attempt): Promise<unknown>;
  /** As JSON and as bytes: what the browser door says of a refusal, headers included. */
  web(attempt: Attempt): Promise<string | undefined>;
}

async function refusalOf(answer: Response): Promise<string | undefined> {
  const text = await answer.text();
  return answer.ok ? undefined : JSON.stringify([answer.status, ...answer.headers, text]);
}

/** `elsewhere` = what a careless client puts where nobody asked for it: into headers and into the address. */
export function openDoors(server: GatehouseProcess, elsewhere: string): Doors {
  const stray = {
    cookie: `session=${elsewhere}`,
    "x-api-key": elsewhere,
    baggage: `user=${elsewhere}`,
    tracestate: `a=${elsewhere}`,
  };
  const transport = createGrpcTransport({ address: server.address, retry: { maxAttempts: 1 } });
  const clients = new Map<DescService, Record<string, AnyCall>>();
  const clientOf = (service: DescService) => {
    const made =
      clients.get(service) ?? (createClient(service, transport.transport) as unknown as Record<string, AnyCall>);
    clients.set(service, made);
    return made;
  };
  return {
    async grpc({ method, request, authorization }) {
      const headers: Record<string, string> = authorization === undefined ? stray : { ...stray, authorization };
      // Connect's streams have no `return`: only this ends the call.
      using leaving = new DisposableStack();
      const controller = new AbortController();
      leaving.defer(() => controller.abort());
      try {
        const answer = clientOf(method.parent)[method.localName]?.(request, { headers, signal: controller.signal });
        if (method.methodKind === "unary") await answer;
        else for await (const _message of answer as AsyncIterable<unknown>) break;
        return undefined;
      } catch (error) {
        return error;
      }
    },
    async web({ method, request, authorization }) {
      const url = `${server.webAddress}/${methodName(method)}?access_token=${elsewhere}`;
      const auth: Record<string, string> = authorization === undefined ? stray : { ...stray, authorization };
      const post = (type: string, body: string | Uint8Array<ArrayBuffer>) =>
        fetch(url, { method: "POST", headers: { ...auth, "content-type": type }, body }).then(refusalOf);
      const asJson = await post("application/json", toJsonString(method.input, request));
      const asBytes = await post("application/proto", Uint8Array.from(toBinary(method.input, request)));
      return asJson === undefined ? asBytes : `${asJson}\n${asBytes}`;
    },
    [Symbol.dispose]: () => transport.close(),
  };
}

/** All that a caller can learn from an error. */
export function told(error: unknown): string {
  if (!(error instanceof GatehouseError)) return String(error);
  const { message, reason, violations, metadata } = error;
  return JSON.stringify({ message, reason, violations, metadata, cause: String(error.cause) });
}
