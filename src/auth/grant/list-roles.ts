// GrantService.ListRoles: all roles, in order of name.
import { create } from "@bufbuild/protobuf";
import { GrantService, ListRolesResponseSchema } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { readPage } from "../../kernel/pages.ts";
import type { PageTokens } from "../../kernel/sealing.ts";
import { listRoles } from "../role/store.ts";
import { roleView } from "./role-view.ts";

const method = `${GrantService.typeName}/${GrantService.method.listRoles.name}`;

export function createListRoles(deps: {
  readonly reader: Reader;
  readonly pageTokens: PageTokens;
}): UnaryHandler<typeof GrantService.method.listRoles> {
  return async ({ pageSize, pageToken }, call) => {
    const page = await readPage(deps.pageTokens, { method, filter: "", pageSize, pageToken }, call, {
      read: (after, limit) => listRoles(deps.reader, after, limit),
      positionOf: ({ name }) => name,
    });
    return create(ListRolesResponseSchema, { roles: page.items.map(roleView), nextPageToken: page.nextPageToken });
  };
}
