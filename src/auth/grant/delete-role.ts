// GrantService.DeleteRole: deletes a role that nobody holds.
import { create } from "@bufbuild/protobuf";
import { DeleteRoleResponseSchema, type GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { GatehouseError } from "../../kernel/errors.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { deleteRole, isRoleInUse } from "../role/store.ts";
import { findOwnRole } from "./change-role.ts";
import { lockAccessChanges } from "./store.ts";

export function createDeleteRole(): UnaryHandler<typeof GrantService.method.deleteRole> {
  return async ({ name }, call) => {
    call.audit.resources.push({ type: "role", uid: name });
    await call.commit(async (tx) => {
      await lockAccessChanges(tx);
      const role = await findOwnRole(tx, name);
      if (await isRoleInUse(tx, name, call.now)) throw new GatehouseError("ROLE_IN_USE");
      call.audit.details.permissions = role.permissions;
      await deleteRole(tx, name);
      return {};
    });
    return create(DeleteRoleResponseSchema);
  };
}
