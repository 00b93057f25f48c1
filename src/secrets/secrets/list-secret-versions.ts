// ListSecretVersions: the versions of one secret, newest first, without opening any.
import { create } from "@bufbuild/protobuf";
import {
  ListSecretVersionsResponseSchema,
  type SecretsService,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { readPage } from "../../kernel/pages.ts";
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
    const page = await readPage(pageTokens, { method, filter: path, pageSize, pageToken }, call, {
      read: async (before, limit) => {
        const versions = await selectVersionPage(
          reader,
          path,
          before === undefined ? undefined : Number(before),
          limit,
        );
        if (versions === undefined) throw new GatehouseError("SECRET_NOT_FOUND");
        return versions;
      },
      positionOf: ({ version }) => String(version),
    });
    return create(ListSecretVersionsResponseSchema, {
      versions: page.items.map(versionMessage),
      nextPageToken: page.nextPageToken,
    });
  };
}
