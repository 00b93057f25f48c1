// ServiceAccountService.CreateServiceAccount: a principal that is no person, holds nothing and has no credential.
import { create } from "@bufbuild/protobuf";
import {
  CreateServiceAccountResponseSchema,
  type ServiceAccountService,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId, uuidv7 } from "../../kernel/ids.ts";
import type { SubjectKeys } from "../../kernel/sealing.ts";
import { insertServiceAccount } from "./store.ts";
import { accountView } from "./views.ts";

export function createCreateServiceAccount({
  subjectKeys,
}: {
  readonly subjectKeys: SubjectKeys;
}): UnaryHandler<typeof ServiceAccountService.method.createServiceAccount> {
  return async ({ displayName }, call) => {
    const { now } = call;
    const account = { principalId: uuidv7(now), displayName, createdBy: callerOf(call).id, now };
    call.audit.resources.push({ type: "principal", uid: formatId("principal", account.principalId) });
    call.audit.details.display_name = displayName;
    // What the trail knows of its calls, such as their addresses, is sealed under a key of its own as a person's is.
    const key = await subjectKeys.prepare(account.principalId);
    const serviceAccount = accountView({
      principal_id: account.principalId,
      display_name: displayName,
      state: "active",
      created_at: now,
      created_by: account.createdBy,
      updated_at: now,
    });
    return call.commit(async (tx) => {
      await insertServiceAccount(tx, account);
      await key.store(tx);
      return create(CreateServiceAccountResponseSchema, { serviceAccount });
    });
  };
}
