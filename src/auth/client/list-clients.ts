// ClientService.ListClients: all of them, in order of id.
import { create } from "@bufbuild/protobuf";
import { ClientService, ListClientsResponseSchema } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { readPage } from "../../kernel/pages.ts";
import type { PageTokens } from "../../kernel/sealing.ts";
import { clientView } from "./client-view.ts";
import { listClients } from "./store.ts";

const method = `${ClientService.typeName}/${ClientService.method.listClients.name}`;

export function createListClients(deps: {
  readonly reader: Reader;
  readonly pageTokens: PageTokens;
}): UnaryHandler<typeof ClientService.method.listClients> {
  return async ({ pageSize, pageToken }, call) => {
    const page = await readPage(deps.pageTokens, { method, filter: "", pageSize, pageToken }, call, {
      read: (after, limit) => listClients(deps.reader, after, limit),
      positionOf: ({ id }) => id,
    });
    return create(ListClientsResponseSchema, {
      clients: page.items.map(clientView),
      nextPageToken: page.nextPageToken,
    });
  };
}
