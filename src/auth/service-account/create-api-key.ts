// ServiceAccountService.CreateApiKey: a key of a service account, shown in the answer and nowhere else.
import { create } from "@bufbuild/protobuf";
import {
  CreateApiKeyResponseSchema,
  type ServiceAccountService,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import type { Macs } from "../../kernel/sealing.ts";
import { lockAccount, namedAccount, requireHeldOf, storedScopes } from "./account-change.ts";
import { expiryOf, makeKey, storeKey } from "./new-key.ts";
import { keyView } from "./views.ts";

export function createCreateApiKey({
  macs,
}: {
  readonly macs: Macs;
}): UnaryHandler<typeof ServiceAccountService.method.createApiKey> {
  return async (request, call) => {
    const owner = namedAccount(request.principalId, call);
    const scopes = storedScopes(request.scopes);
    const expiry = expiryOf(request.expireTime, call.now) ?? null;
    const content = { principal_id: owner, display_name: request.displayName, scopes, expires_at: expiry };
    const key = makeKey(macs, content, call);
    call.audit.resources.push({ type: "api_key", uid: formatId("apiKey", key.row.id) });
    Object.assign(call.audit.details, { scopes, expire_time: expiry?.toISOString() ?? null });
    return call.commit(async (tx) => {
      await lockAccount(tx, owner);
      await requireHeldOf(tx, call, owner, scopes);
      await storeKey(tx, key);
      return create(CreateApiKeyResponseSchema, { apiKey: keyView(key.row), secret: key.text });
    });
  };
}
