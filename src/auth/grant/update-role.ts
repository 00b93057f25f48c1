// GrantService.UpdateRole: changes a role for everybody who holds it.
import { create } from "@bufbuild/protobuf";
import {
  type GrantService,
  type UpdateRoleRequest,
  UpdateRoleResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import type { Contracts } from "../../kernel/contracts.ts";
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import { type RoleContent, type RoleRow, updateRole } from "../role/store.ts";
import { announceRole, findOwnRole, requireHeldEverywhere, requireKnown } from "./change-role.ts";
import { roleView } from "./role-view.ts";
import { lockAccessChanges } from "./store.ts";

const changeable = ["permissions", "description"] as const;
type Path = (typeof changeable)[number];

function isChangeable(path: string): path is Path {
  return (changeable as readonly string[]).includes(path);
}

/** AIP-134: without a mask, what is not empty. A path that is not one of these two reaches nothing and is refused. */
function pathsOf({ updateMask, permissions, description }: UpdateRoleRequest): ReadonlySet<Path> {
  const given = updateMask?.paths ?? [];
  const violations = given.flatMap((path, index) =>
    isChangeable(path) ? [] : { field: `update_mask.paths[${index}]`, description: "must be one of the role's fields" },
  );
  if (violations.length > 0) throw new GatehouseError("REQUEST_INVALID", { violations });
  const implied = changeable.filter((path) => (path === "permissions" ? permissions.length > 0 : description !== ""));
  return new Set(given.length > 0 ? given.filter(isChangeable) : implied);
}

function changed(role: RoleRow, request: UpdateRoleRequest, paths: ReadonlySet<Path>, now: Date): RoleContent {
  return {
    name: role.name,
    permissions: paths.has("permissions") ? request.permissions.toSorted() : role.permissions,
    description: paths.has("description") ? request.description : role.description,
    now,
  };
}

/** What is in one of the two and not in the other. */
function difference(before: readonly string[], after: readonly string[]): ReadonlySet<string> {
  const [old, fresh] = [new Set(before), new Set(after)];
  return new Set([...before.filter((one) => !fresh.has(one)), ...after.filter((one) => !old.has(one))]);
}

async function change(tx: Transaction, role: RoleRow, content: RoleContent, call: Call): Promise<void> {
  const different = difference(role.permissions, content.permissions);
  await requireHeldEverywhere(tx, call, different);
  await updateRole(tx, content);
  if (different.size > 0) announceRole(tx, content.name, call.now);
}

export function createUpdateRole(deps: {
  readonly contracts: Contracts;
}): UnaryHandler<typeof GrantService.method.updateRole> {
  return async (request, call) => {
    const paths = pathsOf(request);
    if (paths.size === 0) throw invalidField("update_mask", "must name what to change");
    if (paths.has("permissions") && request.permissions.length === 0)
      throw invalidField("permissions", "must hold at least one");
    call.audit.resources.push({ type: "role", uid: request.name });
    return call.commit(async (tx) => {
      await lockAccessChanges(tx);
      const role = await findOwnRole(tx, request.name);
      const content = changed(role, request, paths, call.now);
      call.audit.details.permissions = content.permissions;
      call.audit.details.permissions_before = role.permissions;
      if (paths.has("permissions")) {
        await requireKnown(tx, deps.contracts, request.permissions, (one) => !role.permissions.includes(one));
      }
      await change(tx, role, content, call);
      return create(UpdateRoleResponseSchema, {
        role: roleView({ ...content, builtin: false, updated_at: call.now }),
      });
    });
  };
}
