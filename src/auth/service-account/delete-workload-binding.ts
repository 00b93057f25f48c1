// ServiceAccountService.DeleteWorkloadBinding: the workload is a stranger again.
import { create } from "@bufbuild/protobuf";
import {
  DeleteWorkloadBindingResponseSchema,
  type ServiceAccountService,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { formatId, parseId } from "../../kernel/ids.ts";
import { deleteBinding } from "../workload/store.ts";
import { announceBinding, announceEnd, namedAccount } from "./account-change.ts";

export function createDeleteWorkloadBinding(): UnaryHandler<typeof ServiceAccountService.method.deleteWorkloadBinding> {
  return async (request, call) => {
    const owner = namedAccount(request.principalId, call);
    const id = parseId("workloadBinding", request.workloadBindingId);
    if (id === undefined) throw invalidField("workload_binding_id", "must be the id of a binding");
    call.audit.resources.push({ type: "workload_binding", uid: formatId("workloadBinding", id) });
    await call.commit(async (tx) => {
      const gone = await deleteBinding(tx, id, owner);
      if (gone === undefined) throw new GatehouseError("WORKLOAD_BINDING_NOT_FOUND");
      const { kind, issuer, subject } = gone;
      Object.assign(call.audit.details, { kind, issuer, subject });
      announceBinding(tx, id, call.now);
      announceEnd(tx, id, call.now);
      return {};
    });
    return create(DeleteWorkloadBindingResponseSchema);
  };
}
