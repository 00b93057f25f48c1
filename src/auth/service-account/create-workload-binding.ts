// ServiceAccountService.CreateWorkloadBinding: a workload that calls as the service account.
import { create } from "@bufbuild/protobuf";
import {
  type CreateWorkloadBindingRequest,
  CreateWorkloadBindingResponseSchema,
  type ServiceAccountService,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { isUniqueViolation, type Transaction } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import { type Call, callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId, uuidv7 } from "../../kernel/ids.ts";
import type { WorkloadIssuers } from "../../kernel/ports.ts";
import { parseSpiffeId } from "../../kernel/spiffe.ts";
import { kubernetesSubject } from "../domain/kubernetes-subject.ts";
import { type BindingRow, bindingOnce, countBindings, insertBinding } from "../workload/store.ts";
import { announceBinding, lockAccount, namedAccount, requireHeldOf, storedScopes } from "./account-change.ts";
import { bindingView } from "./views.ts";

const mostBindings = 50;

type Named = Pick<BindingRow, "kind" | "issuer" | "subject">;

function workloadOf({ workload }: CreateWorkloadBindingRequest, issuers: WorkloadIssuers | undefined): Named {
  switch (workload.case) {
    case "spiffeId":
      if (parseSpiffeId(workload.value) === undefined) throw invalidField("spiffe_id", "must be a SPIFFE id");
      return { kind: "spiffe", issuer: "", subject: workload.value };
    case "dnsName":
      return { kind: "dns", issuer: "", subject: workload.value };
    case "kubernetes": {
      const { issuer } = workload.value;
      if (issuers?.knows(issuer) !== true) throw invalidField("kubernetes.issuer", "must be an issuer of the settings");
      return { kind: "kubernetes", issuer, subject: kubernetesSubject(workload.value) };
    }
    default:
      throw invalidField("workload", "must be given");
  }
}

async function bind(tx: Transaction, row: BindingRow, call: Call): Promise<void> {
  await lockAccount(tx, row.principal_id);
  await requireHeldOf(tx, call, row.principal_id, row.scopes);
  if ((await countBindings(tx, row.principal_id)) >= mostBindings)
    throw new GatehouseError("WORKLOAD_BINDING_LIMIT_REACHED");
  await insertBinding(tx, row);
  announceBinding(tx, row.id, call.now);
}

function boundAlready(error: unknown): never {
  throw isUniqueViolation(error, bindingOnce) ? new GatehouseError("WORKLOAD_BINDING_EXISTS", { cause: error }) : error;
}

export function createCreateWorkloadBinding({
  issuers,
}: {
  readonly issuers: WorkloadIssuers | undefined;
}): UnaryHandler<typeof ServiceAccountService.method.createWorkloadBinding> {
  return async (request, call) => {
    const row: BindingRow = {
      ...workloadOf(request, issuers),
      id: uuidv7(call.now),
      principal_id: namedAccount(request.principalId, call),
      scopes: storedScopes(request.scopes),
      created_at: call.now,
      created_by: callerOf(call).id,
      last_used_at: null,
    };
    const { kind, issuer, subject, scopes } = row;
    call.audit.resources.push({ type: "workload_binding", uid: formatId("workloadBinding", row.id) });
    Object.assign(call.audit.details, { kind, issuer, subject, scopes });
    return call
      .commit(async (tx) => {
        await bind(tx, row, call);
        return create(CreateWorkloadBindingResponseSchema, { workloadBinding: bindingView(row) });
      })
      .catch(boundAlready);
  };
}
