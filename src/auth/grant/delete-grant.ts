// GrantService.DeleteGrant: takes a grant back.
import { create } from "@bufbuild/protobuf";
import { DeleteGrantResponseSchema, type GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import { formatId, parseId } from "../../kernel/ids.ts";
import { announceStanding, heldNow, keepingAnAdministrator, requireHeld } from "./change-access.ts";
import { deleteGrant, findGrant, type GrantRow, lockAccessChanges } from "./store.ts";

const asked = new Set(["grants.delete"]);

/** A grant on a resource where the caller has no say is as absent as one that never was. */
async function find(tx: Transaction, id: string, call: Call): Promise<GrantRow> {
  const grant = await findGrant(tx, id);
  if (grant === undefined) throw new GatehouseError("GRANT_NOT_FOUND");
  if (await heldNow(tx, call, asked, grant.resource)) return grant;
  throw new GatehouseError("GRANT_NOT_FOUND", { auditReason: "PERMISSION_DENIED" });
}

async function take(tx: Transaction, id: string, call: Call): Promise<GrantRow> {
  await lockAccessChanges(tx);
  const grant = await find(tx, id, call);
  // To lift a prohibition is to give.
  if (grant.effect === "deny") await requireHeld(tx, call, grant.role, grant.resource);
  await keepingAnAdministrator(tx, call.now, grant.principal_id, () => deleteGrant(tx, id));
  announceStanding(tx, grant.principal_id, call.now);
  return grant;
}

function describe({ principal_id, role, resource, effect }: GrantRow, call: Call): void {
  call.audit.resources.push({ type: "principal", uid: formatId("principal", principal_id) });
  Object.assign(call.audit.details, { role, resource, effect });
}

export function createDeleteGrant(): UnaryHandler<typeof GrantService.method.deleteGrant> {
  return async (request, call) => {
    const id = parseId("grant", request.grantId);
    if (id === undefined) throw invalidField("grant_id", "must be the id of a grant");
    call.audit.resources.push({ type: "grant", uid: formatId("grant", id) });
    await call.commit(async (tx) => {
      describe(await take(tx, id, call), call);
      return {};
    });
    return create(DeleteGrantResponseSchema);
  };
}
