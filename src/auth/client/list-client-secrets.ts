// ClientService.ListClientSecrets: which secrets work, without what they are.
import { create } from "@bufbuild/protobuf";
import {
  type ClientService,
  ListClientSecretsResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { liveSecrets } from "../client-secret/store.ts";
import { secretView } from "./client-view.ts";
import { findClient } from "./store.ts";

export function createListClientSecrets({
  reader,
}: {
  readonly reader: Reader;
}): UnaryHandler<typeof ClientService.method.listClientSecrets> {
  return async ({ clientId }, call) => {
    call.audit.resources.push({ type: "client", uid: clientId });
    if ((await findClient(reader, clientId)) === undefined) throw new GatehouseError("CLIENT_NOT_FOUND");
    const secrets = await liveSecrets(reader, clientId, call.now);
    return create(ListClientSecretsResponseSchema, { clientSecrets: secrets.map(secretView) });
  };
}
