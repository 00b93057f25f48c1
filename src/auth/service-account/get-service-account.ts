// ServiceAccountService.GetServiceAccount: one service account.
import { create } from "@bufbuild/protobuf";
import {
  GetServiceAccountResponseSchema,
  type ServiceAccountService,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { namedAccount } from "./account-change.ts";
import { findServiceAccount } from "./store.ts";
import { accountView } from "./views.ts";

export function createGetServiceAccount({
  reader,
}: {
  readonly reader: Reader;
}): UnaryHandler<typeof ServiceAccountService.method.getServiceAccount> {
  return async ({ principalId }, call) => {
    const account = await findServiceAccount(reader, namedAccount(principalId, call));
    if (account === undefined) throw new GatehouseError("SERVICE_ACCOUNT_NOT_FOUND");
    return create(GetServiceAccountResponseSchema, { serviceAccount: accountView(account) });
  };
}
