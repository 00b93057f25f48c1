// ServiceAccountService.RevokeApiKey: ends a key, and with it whatever was issued for it.
import { create } from "@bufbuild/protobuf";
import {
  RevokeApiKeyResponseSchema,
  type ServiceAccountService,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { GatehouseError } from "../../kernel/errors.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { lockApiKey, revokeApiKey } from "../api-key/store.ts";
import { announceEnd, namedAccount } from "./account-change.ts";
import { keyOf } from "./named-key.ts";

export function createRevokeApiKey(): UnaryHandler<typeof ServiceAccountService.method.revokeApiKey> {
  return async (request, call) => {
    const owner = namedAccount(request.principalId, call);
    const id = keyOf(request.apiKeyId, call);
    await call.commit(async (tx) => {
      if ((await lockApiKey(tx, id, owner)) === undefined) throw new GatehouseError("API_KEY_NOT_FOUND");
      await revokeApiKey(tx, id, call.now);
      // Also for a key that had ended before: a token that was issued for it may be out.
      announceEnd(tx, id, call.now);
      return {};
    });
    return create(RevokeApiKeyResponseSchema);
  };
}
