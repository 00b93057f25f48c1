// GrantService.CreateRole: a role of the installation's own.
import { create } from "@bufbuild/protobuf";
import { CreateRoleResponseSchema, type GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import type { Contracts } from "../../kernel/contracts.ts";
import { isUniqueViolation, type Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import { countRoles, findRole, insertRole, type RoleContent, roleOnce } from "../role/store.ts";
import { requireHeldEverywhere, requireKnown } from "./change-role.ts";
import { roleView } from "./role-view.ts";
import { lockAccessChanges } from "./store.ts";

const mostRoles = 200;

async function make(tx: Transaction, role: RoleContent, call: Call): Promise<void> {
  await requireHeldEverywhere(tx, call, new Set(role.permissions));
  if ((await findRole(tx, role.name)) !== undefined) throw new GatehouseError("ROLE_EXISTS");
  if ((await countRoles(tx)) >= mostRoles) throw new GatehouseError("ROLE_LIMIT_REACHED");
  await insertRole(tx, role);
}

export function createCreateRole(deps: {
  readonly contracts: Contracts;
}): UnaryHandler<typeof GrantService.method.createRole> {
  return async ({ name, permissions, description }, call) => {
    const role: RoleContent = { name, permissions: permissions.toSorted(), description, now: call.now };
    call.audit.resources.push({ type: "role", uid: name });
    call.audit.details.permissions = role.permissions;
    const answer = create(CreateRoleResponseSchema, {
      role: roleView({ ...role, builtin: false, updated_at: call.now }),
    });
    try {
      return await call.commit(async (tx) => {
        await lockAccessChanges(tx);
        await requireKnown(tx, deps.contracts, permissions);
        await make(tx, role, call);
        return answer;
      });
    } catch (error) {
      throw isUniqueViolation(error, roleOnce) ? new GatehouseError("ROLE_EXISTS", { cause: error }) : error;
    }
  };
}
