// GrantService.CreateGrant: gives a role on a resource, or forbids it.
import { create } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type CreateGrantRequest,
  CreateGrantResponseSchema,
  Effect,
  type GrantService,
} from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { isUniqueViolation, type Transaction } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import { type Call, callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId, uuidv7 } from "../../kernel/ids.ts";
import { namedPrincipal } from "../named-principal.ts";
import { readStanding } from "../standing/store.ts";
import { announceStanding, keepingAnAdministrator, requireHeld } from "./change-access.ts";
import { grantView } from "./grant-view.ts";
import { grantOnce, insertGrant, lockAccessChanges, type NewGrant } from "./store.ts";

/** The last millisecond that a protobuf timestamp can say. */
const latestExpiry = Date.UTC(10_000, 0) - 1;

function expiryOf({ expireTime }: CreateGrantRequest, now: Date): Date | undefined {
  if (expireTime === undefined) return undefined;
  const expiry = timestampDate(expireTime);
  if (!(expiry.getTime() <= latestExpiry)) throw invalidField("expire_time", "must lie before the year 10000");
  if (!(expiry.getTime() > now.getTime())) throw invalidField("expire_time", "must lie ahead");
  return expiry;
}

function grantOf(request: CreateGrantRequest, call: Call): NewGrant {
  return {
    id: uuidv7(call.now),
    principalId: namedPrincipal(request.principalId, call),
    role: request.role,
    resource: request.resource,
    effect: request.effect === Effect.DENY ? "deny" : "allow",
    expiresAt: expiryOf(request, call.now),
    now: call.now,
    createdBy: callerOf(call).id,
  };
}

function describe(grant: NewGrant, call: Call): void {
  const { id, principalId, role, resource, effect, expiresAt } = grant;
  call.audit.resources.push(
    { type: "grant", uid: formatId("grant", id) },
    { type: "principal", uid: formatId("principal", principalId) },
  );
  Object.assign(call.audit.details, { role, resource, effect, expire_time: expiresAt?.toISOString() ?? null });
}

async function give(tx: Transaction, grant: NewGrant, call: Call): Promise<void> {
  await lockAccessChanges(tx);
  await requireHeld(tx, call, grant.role, grant.resource);
  if ((await readStanding(tx, grant.principalId, call.now)) === undefined) {
    throw new GatehouseError("PRINCIPAL_NOT_FOUND");
  }
  await keepingAnAdministrator(tx, call.now, grant.principalId, () => insertGrant(tx, grant));
  announceStanding(tx, grant.principalId, call.now);
}

function grantExists(error: unknown): never {
  throw isUniqueViolation(error, grantOnce) ? new GatehouseError("GRANT_EXISTS", { cause: error }) : error;
}

export function createCreateGrant(): UnaryHandler<typeof GrantService.method.createGrant> {
  return async (request, call) => {
    const grant = grantOf(request, call);
    describe(grant, call);
    const view = grantView({
      id: grant.id,
      principal_id: grant.principalId,
      role: grant.role,
      resource: grant.resource,
      effect: grant.effect,
      expires_at: grant.expiresAt ?? null,
      created_at: grant.now,
      created_by: grant.createdBy ?? null,
    });
    return call
      .commit(async (tx) => {
        await give(tx, grant, call);
        return create(CreateGrantResponseSchema, { grant: view });
      })
      .catch(grantExists);
  };
}
