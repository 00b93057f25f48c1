// Policies of methods whose contracts are not ours and so cannot carry our option.
import { create } from "@bufbuild/protobuf";
import {
  Access,
  AuditMode,
  LimitClass,
  type MethodPolicy,
  MethodPolicySchema,
} from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";

// Health answers orchestrators that have no credential, reflection the engineer with grpcurl; neither shows anything
// but what the published contracts and a connection attempt show anyway.
const open: MethodPolicy = create(MethodPolicySchema, {
  access: Access.PUBLIC,
  limitClass: LimitClass.UNLIMITED,
  auditMode: AuditMode.NONE,
});

export const foreignPolicies: ReadonlyMap<string, MethodPolicy> = new Map([
  ["grpc.health.v1.Health/Check", open],
  ["grpc.health.v1.Health/List", open],
  ["grpc.health.v1.Health/Watch", open],
  ["grpc.reflection.v1.ServerReflection/ServerReflectionInfo", open],
  ["grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", open],
]);
