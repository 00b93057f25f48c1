// ServiceAccountService, put together.
import { ServiceAccountService } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { bindService, type ServiceBinding } from "../../kernel/handler.ts";
import type { WorkloadIssuers } from "../../kernel/ports.ts";
import type { Macs, PageTokens, SubjectKeys } from "../../kernel/sealing.ts";
import { createCreateApiKey } from "./create-api-key.ts";
import { createCreateServiceAccount } from "./create-service-account.ts";
import { createCreateWorkloadBinding } from "./create-workload-binding.ts";
import { createDeleteServiceAccount } from "./delete-service-account.ts";
import { createDeleteWorkloadBinding } from "./delete-workload-binding.ts";
import { createGetServiceAccount } from "./get-service-account.ts";
import { createListApiKeys } from "./list-api-keys.ts";
import { createListServiceAccounts } from "./list-service-accounts.ts";
import { createListWorkloadBindings } from "./list-workload-bindings.ts";
import { createRevokeApiKey } from "./revoke-api-key.ts";
import { createRotateApiKey } from "./rotate-api-key.ts";
import { createUpdateServiceAccount } from "./update-service-account.ts";

export interface ServiceAccountServiceDeps {
  readonly reader: Reader;
  readonly macs: Macs;
  readonly subjectKeys: SubjectKeys;
  readonly pageTokens: PageTokens;
  readonly issuers: WorkloadIssuers | undefined;
}

export function bindServiceAccountService(deps: ServiceAccountServiceDeps): ServiceBinding {
  return bindService(ServiceAccountService, {
    createServiceAccount: createCreateServiceAccount(deps),
    getServiceAccount: createGetServiceAccount(deps),
    listServiceAccounts: createListServiceAccounts(deps),
    updateServiceAccount: createUpdateServiceAccount(),
    deleteServiceAccount: createDeleteServiceAccount(),
    createApiKey: createCreateApiKey(deps),
    listApiKeys: createListApiKeys(deps),
    rotateApiKey: createRotateApiKey(deps),
    revokeApiKey: createRevokeApiKey(),
    createWorkloadBinding: createCreateWorkloadBinding(deps),
    listWorkloadBindings: createListWorkloadBindings(deps),
    deleteWorkloadBinding: createDeleteWorkloadBinding(),
  });
}
