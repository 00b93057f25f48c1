// ServiceAccountService.ListServiceAccounts: all service accounts, oldest first.
import { create } from "@bufbuild/protobuf";
import {
  ListServiceAccountsResponseSchema,
  ServiceAccountService,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { readPage } from "../../kernel/pages.ts";
import type { PageTokens } from "../../kernel/sealing.ts";
import { listServiceAccounts } from "./store.ts";
import { accountView } from "./views.ts";

const method = `${ServiceAccountService.typeName}/${ServiceAccountService.method.listServiceAccounts.name}`;

export function createListServiceAccounts(deps: {
  readonly reader: Reader;
  readonly pageTokens: PageTokens;
}): UnaryHandler<typeof ServiceAccountService.method.listServiceAccounts> {
  return async ({ pageSize, pageToken }, call) => {
    const page = await readPage(deps.pageTokens, { method, filter: "", pageSize, pageToken }, call, {
      read: (after, limit) => listServiceAccounts(deps.reader, after, limit),
      positionOf: ({ principal_id }) => principal_id,
    });
    return create(ListServiceAccountsResponseSchema, {
      serviceAccounts: page.items.map(accountView),
      nextPageToken: page.nextPageToken,
    });
  };
}
