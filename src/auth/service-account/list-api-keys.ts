// ServiceAccountService.ListApiKeys: the keys of a service account, oldest first, none of them in text.
import { create } from "@bufbuild/protobuf";
import {
  ListApiKeysResponseSchema,
  ServiceAccountService,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { readPage } from "../../kernel/pages.ts";
import type { PageTokens } from "../../kernel/sealing.ts";
import { listApiKeys } from "../api-key/store.ts";
import { namedAccount } from "./account-change.ts";
import { keyView } from "./views.ts";

const method = `${ServiceAccountService.typeName}/${ServiceAccountService.method.listApiKeys.name}`;

export function createListApiKeys(deps: {
  readonly reader: Reader;
  readonly pageTokens: PageTokens;
}): UnaryHandler<typeof ServiceAccountService.method.listApiKeys> {
  return async ({ principalId, pageSize, pageToken }, call) => {
    const owner = namedAccount(principalId, call);
    const page = await readPage(deps.pageTokens, { method, filter: owner, pageSize, pageToken }, call, {
      read: (after, limit) => listApiKeys(deps.reader, owner, after, limit),
      positionOf: ({ id }) => id,
    });
    return create(ListApiKeysResponseSchema, {
      apiKeys: page.items.map(keyView),
      nextPageToken: page.nextPageToken,
    });
  };
}
