// A role as the contract shows it.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Role, RoleSchema } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";

export interface RoleShown {
  readonly name: string;
  readonly permissions: readonly string[];
  readonly builtin: boolean;
  readonly description: string;
  readonly updated_at: Date | null;
}

export function roleView({ name, permissions, builtin, description, updated_at }: RoleShown): Role {
  return create(RoleSchema, {
    name,
    permissions: permissions.toSorted(),
    description,
    builtIn: builtin,
    ...(updated_at === null ? {} : { updateTime: timestampFromDate(updated_at) }),
  });
}
