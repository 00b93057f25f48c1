// ServiceAccountService.DeleteServiceAccount: ends a service account with all that it has, for good.
import { create } from "@bufbuild/protobuf";
import {
  DeleteServiceAccountResponseSchema,
  type ServiceAccountService,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { dropApiKeys } from "../api-key/store.ts";
import { announceGeneration } from "../standing/generations.ts";
import { dropBindings } from "../workload/store.ts";
import { announceBinding, lockAccount, namedAccount } from "./account-change.ts";
import { deleteServiceAccount } from "./store.ts";

export function createDeleteServiceAccount(): UnaryHandler<typeof ServiceAccountService.method.deleteServiceAccount> {
  return async ({ principalId }, call) => {
    const id = namedAccount(principalId, call);
    await call.commit(async (tx) => {
      const account = await lockAccount(tx, id);
      call.audit.details.display_name = account.display_name;
      await dropApiKeys(tx, id);
      await dropBindings(tx, id);
      const generation = await deleteServiceAccount(tx, id);
      // Every token and credential of a principal that is not active is dead, so they need no events of their own.
      announceGeneration(tx, id, generation, call.now);
      announceBinding(tx, id, call.now);
      return {};
    });
    return create(DeleteServiceAccountResponseSchema);
  };
}
