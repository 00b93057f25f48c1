// Policies of methods whose contracts are not ours and so cannot carry our option.
import { create } from "@bufbuild/protobuf";
import {
  Access,
  AuditCategory,
  AuditMode,
  LimitClass,
  type MethodPolicy,
  MethodPolicySchema,
  Priority,
} from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";

// Health answers orchestrators that have no credential, reflection the engineer with grpcurl; neither shows anything
// but what the published contracts and a connection attempt show anyway.
function open(priority: Priority): MethodPolicy {
  return create(MethodPolicySchema, {
    access: Access.PUBLIC,
    limitClass: LimitClass.UNLIMITED,
    auditMode: AuditMode.NONE,
    priority,
  });
}

export const foreignPolicies: ReadonlyMap<string, MethodPolicy> = new Map([
  ["grpc.health.v1.Health/Check", open(Priority.HEALTH)],
  ["grpc.health.v1.Health/List", open(Priority.HEALTH)],
  ["grpc.health.v1.Health/Watch", open(Priority.HEALTH)],
  ["grpc.reflection.v1.ServerReflection/ServerReflectionInfo", open(Priority.BULK)],
  ["grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", open(Priority.BULK)],
]);

const reflectionMethods = [...foreignPolicies.keys()].filter((name) => name.startsWith("grpc.reflection."));

const reflectionForCallers: MethodPolicy = create(MethodPolicySchema, {
  access: Access.AUTHENTICATED,
  limitClass: LimitClass.READ,
  auditEvent: "contract.reflection",
  auditMode: AuditMode.REFUSALS,
  auditCategory: AuditCategory.DATA_ACCESS,
  priority: Priority.BULK,
});

/** The same where reflection answers live principals only. */
export const guardedForeignPolicies: ReadonlyMap<string, MethodPolicy> = new Map([
  ...foreignPolicies,
  ...reflectionMethods.map((name) => [name, reflectionForCallers] as const),
]);
