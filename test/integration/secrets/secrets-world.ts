// The secrets slice on a real database with real keys and the real trail, and its methods as plain functions.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type DeleteSecretResponse,
  type DestroySecretResponse,
  GetSecretRequestSchema,
  type GetSecretResponse,
  ListSecretsRequestSchema,
  type ListSecretsResponse,
  ListSecretVersionsRequestSchema,
  type ListSecretVersionsResponse,
  PutSecretRequestSchema,
  type PutSecretResponse,
  type SecretsService,
  type UndeleteSecretResponse,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import type { Call, Handlers } from "../../../src/kernel/handler.ts";
import type { Ownership } from "../../../src/kernel/ports.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { createSecretsSlice } from "../../../src/secrets/slice.ts";
import { type CallOptions, openSliceWorld, type SliceWorld } from "../../fixtures/slice-world.ts";

export interface Owned {
  readonly principalId: string;
  readonly resource: string;
}

export interface SecretsWorld extends SliceWorld {
  readonly service: Handlers<typeof SecretsService>;
  readonly owned: readonly Owned[];
  put(
    who: Principal,
    request: MessageInitShape<typeof PutSecretRequestSchema>,
    options?: CallOptions,
  ): Promise<PutSecretResponse>;
  get(who: Principal, path: string, version?: number, options?: CallOptions): Promise<GetSecretResponse>;
  list(
    who: Principal,
    request?: MessageInitShape<typeof ListSecretsRequestSchema>,
    options?: CallOptions,
  ): Promise<ListSecretsResponse>;
  versions(
    who: Principal,
    request: MessageInitShape<typeof ListSecretVersionsRequestSchema>,
    options?: CallOptions,
  ): Promise<ListSecretVersionsResponse>;
  change(
    who: Principal,
    how: "delete" | "undelete" | "destroy",
    path: string,
    versions: number[],
    options?: CallOptions,
  ): Promise<DeleteSecretResponse | UndeleteSecretResponse | DestroySecretResponse>;
}

export const maxValueBytes = 65_536;

export async function openSecretsWorld(): Promise<SecretsWorld> {
  const world = await openSliceWorld();
  const owned: Owned[] = [];
  const ownership: Ownership = {
    async own(tx, { principalId }, resource) {
      // A statement, so that it has its place in the transaction and can be refused there.
      await tx.rows({ name: "test.own", text: "select $1::text" }, [resource]);
      owned.push({ principalId, resource });
    },
  };
  const { reader } = world.database;
  const { values, pageTokens } = world.keys;
  const slice = createSecretsSlice({
    reader,
    values,
    ownership,
    pageTokens,
    settings: { maxSecretBytes: maxValueBytes },
  });
  const service = slice.bindings[0]?.handlers as unknown as Handlers<typeof SecretsService>;
  const record = <T>(call: Call, handle: () => Promise<unknown>) => world.answer(call, handle as () => Promise<T>);
  return {
    ...world,
    service,
    owned,
    put: async (who, request, options = {}) => {
      const call = world.call(who, { event: "secret.written", ...options });
      return (await service.putSecret(create(PutSecretRequestSchema, request), call)) as PutSecretResponse;
    },
    get: (who, path, version = 0, options = {}) => {
      const call = world.call(who, { event: "secret.read", ...options });
      return record(call, async () => service.getSecret(create(GetSecretRequestSchema, { path, version }), call));
    },
    list: async (who, request = {}, options = {}) => {
      const call = world.call(who, { event: "secret.list", ...options });
      return (await service.listSecrets(create(ListSecretsRequestSchema, request), call)) as ListSecretsResponse;
    },
    versions: async (who, request, options = {}) => {
      const call = world.call(who, { event: "secret.version_list", ...options });
      const message = create(ListSecretVersionsRequestSchema, request);
      return (await service.listSecretVersions(message, call)) as ListSecretVersionsResponse;
    },
    change: async (who, how, path, versions, options = {}) => {
      const call = world.call(who, { event: `secret.${how.replace(/e?$/, "ed")}`, ...options });
      const request = { path, versions } as never;
      const handler = {
        delete: service.deleteSecret,
        undelete: service.undeleteSecret,
        destroy: service.destroySecret,
      }[how];
      return (await handler(request, call)) as DeleteSecretResponse;
    },
  };
}
