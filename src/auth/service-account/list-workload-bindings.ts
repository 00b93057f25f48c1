// ServiceAccountService.ListWorkloadBindings: the workloads that call as a service account, oldest binding first.
import { create } from "@bufbuild/protobuf";
import {
  ListWorkloadBindingsResponseSchema,
  ServiceAccountService,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { readPage } from "../../kernel/pages.ts";
import type { PageTokens } from "../../kernel/sealing.ts";
import { listBindings } from "../workload/store.ts";
import { namedAccount } from "./account-change.ts";
import { bindingView } from "./views.ts";

const method = `${ServiceAccountService.typeName}/${ServiceAccountService.method.listWorkloadBindings.name}`;

export function createListWorkloadBindings(deps: {
  readonly reader: Reader;
  readonly pageTokens: PageTokens;
}): UnaryHandler<typeof ServiceAccountService.method.listWorkloadBindings> {
  return async ({ principalId, pageSize, pageToken }, call) => {
    const owner = namedAccount(principalId, call);
    const page = await readPage(deps.pageTokens, { method, filter: owner, pageSize, pageToken }, call, {
      read: (after, limit) => listBindings(deps.reader, owner, after, limit),
      positionOf: ({ id }) => id,
    });
    return create(ListWorkloadBindingsResponseSchema, {
      workloadBindings: page.items.map(bindingView),
      nextPageToken: page.nextPageToken,
    });
  };
}
