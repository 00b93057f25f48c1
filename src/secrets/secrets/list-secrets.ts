// ListSecrets: what lies at or below a path and the caller may list, by path. What it may not see is not read.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  ListSecretsResponseSchema,
  type SecretsService,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { readPage } from "../../kernel/pages.ts";
import type { PageTokens } from "../../kernel/sealing.ts";
import { resourceOf, visibleSpans } from "../domain/path-spans.ts";
import { type SecretRow, selectSecrets } from "./store.ts";

export interface ListSecretsDeps {
  readonly reader: Reader;
  readonly pageTokens: PageTokens;
}

const method = "gatehouse.secrets.v1.SecretsService/ListSecrets";

function secretMessage(row: SecretRow) {
  return {
    path: row.path,
    currentVersion: row.current_version,
    createTime: timestampFromDate(row.created_at),
    updateTime: timestampFromDate(row.updated_at),
  };
}

export function createListSecrets(deps: ListSecretsDeps): UnaryHandler<typeof SecretsService.method.listSecrets> {
  const { reader, pageTokens } = deps;
  return async ({ parent, pageSize, pageToken }, call) => {
    const page = await readPage(pageTokens, { method, filter: parent, pageSize, pageToken }, call, {
      read: (after, limit) => {
        const { shown, hidden } = visibleSpans(call.visible("secrets.list", resourceOf(parent)));
        return selectSecrets(reader, shown, hidden, after ?? "", limit);
      },
      positionOf: ({ path }) => path,
    });
    return create(ListSecretsResponseSchema, {
      secrets: page.items.map(secretMessage),
      nextPageToken: page.nextPageToken,
    });
  };
}
