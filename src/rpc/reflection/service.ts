// Server reflection (grpc.reflection.v1 and v1alpha), by which grpcurl and others learn the contracts.
import { create } from "@bufbuild/protobuf";
import {
  ServerReflectionResponseSchema,
  ServerReflection as ServerReflectionV1,
} from "@gatehouse/proto/grpc/reflection/v1/reflection_pb.js";
import {
  ServerReflectionResponseSchema as ServerReflectionResponseSchemaV1alpha,
  ServerReflection as ServerReflectionV1alpha,
} from "@gatehouse/proto/grpc/reflection/v1alpha/reflection_pb.js";
import { bindService, type ServiceBinding } from "../../kernel/handler.ts";
import { type Answer, answer, type Question } from "./answer.ts";
import { type DescriptorFiles, indexDescriptors } from "./files.ts";

interface ReflectionDeps {
  /** Full names of the services that are served; asked at each list, so that reflection can name itself. */
  readonly services: () => readonly string[];
  /** The serialised FileDescriptorSet of all contracts; read at the first use, not at start. */
  readonly readDescriptors: () => Promise<Uint8Array>;
}

/** Loads once; a failure is not remembered. */
function lazyFiles(readDescriptors: () => Promise<Uint8Array>): () => Promise<DescriptorFiles> {
  let loading: Promise<DescriptorFiles> | undefined;
  return () => {
    loading ??= readDescriptors()
      .then(indexDescriptors)
      .catch((cause: unknown) => {
        loading = undefined;
        throw new Error("the descriptors cannot be read", { cause });
      });
    return loading;
  };
}

type Converse = <R extends { readonly messageRequest: Question }>(
  requests: AsyncIterable<R>,
) => AsyncIterable<{ readonly request: R; readonly messageResponse: Answer }>;

function createConversation({ services, readDescriptors }: ReflectionDeps): Converse {
  const load = lazyFiles(readDescriptors);
  return async function* converse(requests) {
    const sent = new Set<string>();
    for await (const request of requests) {
      const asked = { files: await load(), services: services(), sent };
      yield { request, messageResponse: answer(asked, request.messageRequest) };
    }
  };
}

/** Both versions. */
export function createReflection(deps: ReflectionDeps): readonly ServiceBinding[] {
  const converse = createConversation(deps);
  return [
    bindService(ServerReflectionV1, {
      async *serverReflectionInfo(requests) {
        for await (const { request, messageResponse } of converse(requests)) {
          const echo = { validHost: request.host, originalRequest: request };
          yield create(ServerReflectionResponseSchema, { ...echo, messageResponse });
        }
      },
    }),
    bindService(ServerReflectionV1alpha, {
      async *serverReflectionInfo(requests) {
        for await (const { request, messageResponse } of converse(requests)) {
          const echo = { validHost: request.host, originalRequest: request };
          yield create(ServerReflectionResponseSchemaV1alpha, { ...echo, messageResponse });
        }
      },
    }),
  ];
}
