// ClientService.RevokeClientSecret: ends a secret; when somebody else knows it, everything that was handed out as well.
import { create } from "@bufbuild/protobuf";
import {
  type ClientService,
  RevokeClientSecretResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { parseId } from "../../kernel/ids.ts";
import { deleteSecret } from "../client-secret/store.ts";
import type { ClientBounds } from "../domain/client-rules.ts";
import { announceClient, requireClient } from "./change-client.ts";
import { endTokensOfClient } from "./store.ts";

export function createRevokeClientSecret({
  bounds,
}: {
  readonly bounds: ClientBounds;
}): UnaryHandler<typeof ClientService.method.revokeClientSecret> {
  return async ({ clientId, secretId, endTokens }, call) => {
    const { now } = call;
    const id = parseId("clientSecret", secretId);
    if (id === undefined) throw invalidField("secret_id", "must be the id of a client secret");
    call.audit.resources.push({ type: "client", uid: clientId }, { type: "client_secret", uid: secretId });
    call.audit.details.tokens_ended = endTokens;
    return call.commit(async (tx) => {
      const client = await requireClient(tx, clientId);
      if (!(await deleteSecret(tx, clientId, id, now))) throw new GatehouseError("CLIENT_SECRET_NOT_FOUND");
      if (endTokens) await endTokensOfClient(tx, clientId, now);
      const generation = client.generation + (endTokens ? 1 : 0);
      announceClient(tx, { id: clientId, generation }, bounds, now);
      return create(RevokeClientSecretResponseSchema);
    });
  };
}
