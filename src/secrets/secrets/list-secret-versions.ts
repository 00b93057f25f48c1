// ListSecretVersions: the versions of one secret, newest first, without opening any.
import { create } from "@bufbuild/protobuf";
import {
  ListSecretVersionsResponseSchema,
  type SecretsService,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import { callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { pageSizeOf } from "../../kernel/pages.ts";
import type { PageTokens } from "../../kernel/sealing.ts";
import { selectVersionPage } from "./store.ts";
import { versionMessage } from "./version-message.ts";

export interface ListSecretVersionsDeps {
  readonly reader: Reader;
  readonly pageTokens: PageTokens;
}

const method = "gatehouse.secrets.v1.SecretsService/ListSecretVersions";

export function createListSecretVersions(
  deps: ListSecretVersionsDeps,
): UnaryHandler<typeof SecretsService.method.listSecretVersions> {
  const { reader, pageTokens } = deps;
  return async ({ path, pageSize, pageToken }, call) => {
    call.audit.resources = [{ type: "secret", uid: path }];
    const scope = { method, principalId: callerOf(call).id, filter: path };
    const before = pageTokens.open(scope, pageToken, call.now);
    const size = pageSizeOf(pageSize);
    const versions = await selectVersionPage(reader, path, before === undefined ? undefined : Number(before), size + 1);
    if (versions === undefined) throw new GatehouseError("SECRET_NOT_FOUND");
    const page = versions.slice(0, size);
    const last = versions.length > size ? page.at(-1) : undefined;
    return create(ListSecretVersionsResponseSchema, {
      versions: page.map(versionMessage),
      nextPageToken: last === undefined ? "" : pageTokens.seal(scope, String(last.version), call.now),
    });
  };
}
