// ClientService.GetClient: shows one.
import { create } from "@bufbuild/protobuf";
import { type ClientService, GetClientResponseSchema } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { clientView } from "./client-view.ts";
import { findClient } from "./store.ts";

export function createGetClient({
  reader,
}: {
  readonly reader: Reader;
}): UnaryHandler<typeof ClientService.method.getClient> {
  return async ({ clientId }, call) => {
    call.audit.resources.push({ type: "client", uid: clientId });
    const client = await findClient(reader, clientId);
    if (client === undefined) throw new GatehouseError("CLIENT_NOT_FOUND");
    return create(GetClientResponseSchema, { client: clientView(client) });
  };
}
