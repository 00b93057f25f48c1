// GrantService.ListGrants: what a principal was given, oldest first.
import { create } from "@bufbuild/protobuf";
import { GrantService, ListGrantsResponseSchema } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { readPage } from "../../kernel/pages.ts";
import type { PageTokens } from "../../kernel/sealing.ts";
import { namedPrincipal } from "../named-principal.ts";
import { grantView } from "./grant-view.ts";
import { listGrants } from "./store.ts";

const method = `${GrantService.typeName}/${GrantService.method.listGrants.name}`;

export function createListGrants(deps: {
  readonly reader: Reader;
  readonly pageTokens: PageTokens;
}): UnaryHandler<typeof GrantService.method.listGrants> {
  return async ({ principalId, pageSize, pageToken }, call) => {
    const owner = namedPrincipal(principalId, call);
    const page = await readPage(deps.pageTokens, { method, filter: owner, pageSize, pageToken }, call, {
      read: (after, limit) => listGrants(deps.reader, owner, after, limit),
      positionOf: ({ id }) => id,
    });
    return create(ListGrantsResponseSchema, {
      grants: page.items.map(grantView),
      nextPageToken: page.nextPageToken,
    });
  };
}
