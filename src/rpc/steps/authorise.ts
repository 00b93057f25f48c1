// Whether the caller may: a grant of the method's permission on the resource, minus any deny, narrowed by scopes.
import { Access } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import type { AuditResource } from "../../kernel/audit.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import { formatId } from "../../kernel/ids.ts";
import { granted, inScope, type Principal, visibility } from "../../kernel/principal.ts";
import type { Exchange } from "../exchange.ts";
import type { Step } from "../step.ts";

/** `secrets/team-a/db`: type and value of the resource that the request names. */
export function resourceOf({ entry, request }: Pick<Exchange, "entry" | "request">): string {
  const value = request === undefined ? "" : entry.resourceValue(request);
  if (entry.resourceType === "" || value === "") return entry.resourceType + value;
  return `${entry.resourceType}/${value}`;
}

/** `secrets/team-a/db` is the record's resource `secret` of uid `team-a/db`; handlers write theirs in the same way. */
function auditResource(resource: string): AuditResource {
  const [type = "", ...rest] = resource.split("/");
  return { type: type.replace(/s$/, "") || "all", uid: rest.join("/") || "*" };
}

/** A refusal must tell the trail what was out of reach, since no handler will. */
function refuse(exchange: Exchange, reason: "PERMISSION_DENIED" | "SCOPE_MISSING"): never {
  const { permission } = exchange.entry;
  exchange.audit.resources.push(auditResource(resourceOf(exchange)));
  exchange.audit.details.permission = permission;
  throw new GatehouseError(reason, { metadata: { permission } });
}

function requireScope(exchange: Exchange, principal: Principal): void {
  if (!inScope(principal.scopes, exchange.entry.permission)) refuse(exchange, "SCOPE_MISSING");
}

function requireGrant(exchange: Exchange, principal: Principal): void {
  const { permission } = exchange.entry;
  if (!granted(principal.standing.grants, permission, resourceOf(exchange), exchange.now.getTime()))
    refuse(exchange, "PERMISSION_DENIED");
  requireScope(exchange, principal);
}

function requireSelfOrGrant(exchange: Exchange, principal: Principal): void {
  const value = exchange.request === undefined ? "" : exchange.entry.resourceValue(exchange.request);
  if (value === "" || value === formatId("principal", principal.id)) requireScope(exchange, principal);
  else requireGrant(exchange, principal);
}

function requireSomethingToSee(exchange: Exchange, principal: Principal): void {
  const { permission } = exchange.entry;
  const seen = visibility(principal.standing.grants, permission, resourceOf(exchange), exchange.now.getTime());
  if (seen.allow.length === 0) refuse(exchange, "PERMISSION_DENIED");
  requireScope(exchange, principal);
}

export const authoriseStep: Step = {
  name: "authorise",
  reason: "before validation (AIP-211): who may not call learns nothing about the request",
  after: ["decode"],
  enter(exchange) {
    const { entry, principal } = exchange;
    if (entry.access === Access.PUBLIC) return;
    if (principal === undefined) throw new GatehouseError("CREDENTIAL_MISSING");
    if (entry.access === Access.PERMISSION) requireGrant(exchange, principal);
    else if (entry.access === Access.SELF) requireSelfOrGrant(exchange, principal);
    else if (entry.access === Access.LISTING) requireSomethingToSee(exchange, principal);
  },
};
