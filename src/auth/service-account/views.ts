// Service accounts, keys and bindings as the contract shows them.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type ApiKey,
  ApiKeySchema,
  type ServiceAccount,
  ServiceAccountSchema,
  type WorkloadBinding,
  WorkloadBindingSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { formatId } from "../../kernel/ids.ts";
import type { ApiKeyRow } from "../api-key/store.ts";
import { parseKubernetesSubject } from "../domain/kubernetes-subject.ts";
import type { BindingRow } from "../workload/store.ts";
import type { ServiceAccountRow } from "./store.ts";

const at = (date: Date | null) => (date === null ? undefined : timestampFromDate(date));

/** What a message leaves out is no member of it. */
function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

export function accountView(row: ServiceAccountRow): ServiceAccount {
  return create(ServiceAccountSchema, {
    principalId: formatId("principal", row.principal_id),
    displayName: row.display_name,
    disabled: row.state !== "active",
    createTime: timestampFromDate(row.created_at),
    creatorId: formatId("principal", row.created_by),
    updateTime: timestampFromDate(row.updated_at),
  });
}

export function keyView(row: ApiKeyRow): ApiKey {
  return create(ApiKeySchema, {
    apiKeyId: formatId("apiKey", row.id),
    principalId: formatId("principal", row.principal_id),
    displayName: row.display_name,
    prefix: row.prefix,
    scopes: [...row.scopes],
    createTime: timestampFromDate(row.created_at),
    creatorId: formatId("principal", row.created_by),
    successorId: row.successor_id === null ? "" : formatId("apiKey", row.successor_id),
    ...given({ expireTime: at(row.expires_at), revokeTime: at(row.revoked_at), lastUseTime: at(row.last_used_at) }),
  });
}

function workloadOf({ kind, issuer, subject }: BindingRow): WorkloadBinding["workload"] {
  if (kind === "spiffe") return { case: "spiffeId", value: subject };
  if (kind === "dns") return { case: "dnsName", value: subject };
  const { namespace, serviceAccount } = parseKubernetesSubject(subject) ?? { namespace: "", serviceAccount: "" };
  return {
    case: "kubernetes",
    value: { $typeName: "gatehouse.auth.v1.KubernetesWorkload", issuer, namespace, serviceAccount },
  };
}

export function bindingView(row: BindingRow): WorkloadBinding {
  return create(WorkloadBindingSchema, {
    workloadBindingId: formatId("workloadBinding", row.id),
    principalId: formatId("principal", row.principal_id),
    workload: workloadOf(row),
    scopes: [...row.scopes],
    createTime: timestampFromDate(row.created_at),
    creatorId: formatId("principal", row.created_by),
    ...given({ lastUseTime: at(row.last_used_at) }),
  });
}
