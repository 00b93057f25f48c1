// GrantService.ExplainAccess: what the one rule of access comes to, and which grant decides, as of the database now.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  AccessDecision,
  type ExplainAccessRequest,
  ExplainAccessResponseSchema,
  type GrantService,
} from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { type AccessConditions, accessRefusal, type Demand, stepUpFor } from "../../kernel/access-rule.ts";
import type { Contracts } from "../../kernel/contracts.ts";
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import { type Call, callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import { anyPermission, decidingGrant, type PrincipalKind } from "../../kernel/principal.ts";
import { namedPrincipal } from "../named-principal.ts";
import { readStanding } from "../standing/store.ts";
import { grantView } from "./grant-view.ts";
import { type ExplainedGrant, grantsWithPermissions } from "./store.ts";

export interface ExplainDeps {
  readonly reader: Reader;
  readonly contracts: Contracts;
  readonly access: AccessConditions;
}

interface Question {
  readonly demand: Demand;
  readonly resource: string;
}

const unnarrowed = { stepUp: false, secondFactor: false, adminNetwork: false } as const;

function ofMethod(contracts: Contracts, { method, resource }: ExplainAccessRequest, owner: string): Question {
  const contract = contracts.method(method);
  if (contract === undefined) throw new GatehouseError("METHOD_UNKNOWN");
  const { resourceType, permission, demand, ownDemand } = contract;
  const itself = `${resourceType}/${formatId("principal", owner)}`;
  if (ownDemand !== undefined && (resource === "" || resource === itself))
    return { demand: ownDemand, resource: itself };
  const fits = resource === "" || resource === resourceType || resource.startsWith(`${resourceType}/`);
  if (resourceType !== "" && !fits) throw invalidField("resource", "must be of the type that the method asks about");
  // Where the handler asks, it asks for the whole of what the request points at.
  const grant = demand.grant === "none" && permission !== "" ? "whole" : demand.grant;
  return { demand: { ...demand, permission, grant }, resource: resource === "" ? resourceType : resource };
}

function questionOf(contracts: Contracts, request: ExplainAccessRequest, owner: string): Question {
  const { permission, method, resource } = request;
  if ((permission === "") === (method === ""))
    throw invalidField("permission", "must be given, or the method, not both");
  if (method !== "") return ofMethod(contracts, request, owner);
  if (permission === anyPermission) throw invalidField("permission", "must be one permission");
  return { demand: { permission, grant: "whole", ...unnarrowed }, resource };
}

/** Where no grant is asked for, none decides, whatever it says. */
function deciderOf({ demand, resource }: Question, grants: readonly ExplainedGrant[], now: Date) {
  if (demand.grant === "none" || demand.grant === "scope") return undefined;
  return decidingGrant(grants, demand.permission, resource, now.getTime());
}

const refused = {
  SCOPE_MISSING: AccessDecision.SCOPE_MISSING,
  NETWORK_NOT_ALLOWED: AccessDecision.NETWORK_NOT_ALLOWED,
  STEP_UP_REQUIRED: AccessDecision.STEP_UP_REQUIRED,
} as const;

/** About others, whose tokens and addresses nobody can know, the rule is asked as for a token that nothing narrows. */
function decide(
  { demand, resource }: Question,
  { grants, self }: { readonly grants: readonly ExplainedGrant[]; readonly self: boolean },
  call: Call,
  access: AccessConditions,
): AccessDecision {
  const caller = callerOf(call);
  const asked = self ? demand : { ...demand, ...unnarrowed };
  const scopes = self ? caller.scopes : new Set([anyPermission]);
  const asker = { ...caller, scopes, standing: { grants } };
  const reason = accessRefusal(asked, asker, resource, call.peer.address, call.now.getTime(), access);
  if (reason === undefined) return AccessDecision.ALLOWED;
  if (reason !== "PERMISSION_DENIED") return refused[reason];
  return deciderOf({ demand, resource }, grants, call.now) === undefined
    ? AccessDecision.NOT_GRANTED
    : AccessDecision.DENIED;
}

function narrowings(
  demand: Demand,
  kind: PrincipalKind,
  conditions: AccessConditions,
): MessageInitShape<typeof ExplainAccessResponseSchema> {
  const { ageMs, context } = stepUpFor(demand, kind, conditions);
  return {
    permission: demand.permission,
    scopeNarrows: demand.grant !== "none",
    networkNarrows: demand.adminNetwork && !conditions.adminNetworks().everywhere,
    secondFactorNarrows: context !== undefined,
    ...(ageMs === undefined ? {} : { stepUpAge: durationFromMs(ageMs) }),
  };
}

export function createExplainAccess(deps: ExplainDeps): UnaryHandler<typeof GrantService.method.explainAccess> {
  return async (request, call) => {
    const owner = namedPrincipal(request.principalId, call);
    const question = questionOf(deps.contracts, request, owner);
    const { demand, resource } = question;
    const [standing, grants] = await Promise.all([
      readStanding(deps.reader, owner, call.now),
      grantsWithPermissions(deps.reader, owner),
    ]);
    if (standing === undefined) throw new GatehouseError("PRINCIPAL_NOT_FOUND");
    const subject = { grants, self: owner === callerOf(call).id };
    const decider = deciderOf(question, grants, call.now);
    return create(ExplainAccessResponseSchema, {
      ...narrowings(demand, standing.kind, deps.access),
      resource,
      decision: standing.active ? decide(question, subject, call, deps.access) : AccessDecision.PRINCIPAL_INACTIVE,
      ...(decider === undefined ? {} : { decidingGrant: grantView(decider.row) }),
    });
  };
}
