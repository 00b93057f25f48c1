// ClientService.DeleteClient: ends a client with its secrets and everything that was handed out through it.
import { create } from "@bufbuild/protobuf";
import {
  type ClientService,
  DeleteClientResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { deleteSecrets } from "../client-secret/store.ts";
import type { ClientBounds } from "../domain/client-rules.ts";
import { announceClient, requireClient } from "./change-client.ts";
import { deleteClient } from "./store.ts";

export function createDeleteClient({
  bounds,
}: {
  readonly bounds: ClientBounds;
}): UnaryHandler<typeof ClientService.method.deleteClient> {
  return async ({ clientId: id }, call) => {
    call.audit.resources.push({ type: "client", uid: id });
    return call.commit(async (tx) => {
      const { generation } = await requireClient(tx, id);
      await deleteSecrets(tx, id);
      await deleteClient(tx, id, call.now);
      announceClient(tx, { id, generation: generation + 1 }, bounds, call.now);
      return create(DeleteClientResponseSchema);
    });
  };
}
