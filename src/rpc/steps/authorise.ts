// Whether the caller may, by the one rule of access (src/kernel/access-rule.ts) and the demand that the method's policy makes.
import { Access, AuditMode } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import {
  type AccessConditions,
  type AccessRefusal,
  accessRefusal,
  type Demand,
  type StepUp,
  stepUpFor,
} from "../../kernel/access-rule.ts";
import type { AuditResource } from "../../kernel/audit.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import { formatId } from "../../kernel/ids.ts";
import type { Principal } from "../../kernel/principal.ts";
import type { Exchange } from "../exchange.ts";
import { nothingAsked } from "../policy.ts";
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

/** All that is asked of the caller's next authentication, whichever of it was lacking (RFC 9470). */
function stepUpMetadata({ ageMs, context }: StepUp): Readonly<Record<string, string>> {
  return {
    ...(ageMs === undefined ? {} : { max_age_seconds: String(Math.floor(ageMs / 1_000)) }),
    ...(context === undefined ? {} : { acr_values: context }),
  };
}

function metadataOf({ entry: { demand }, principal }: Exchange, reason: AccessRefusal, conditions: AccessConditions) {
  if (reason === "NETWORK_NOT_ALLOWED") return {};
  if (reason !== "STEP_UP_REQUIRED") return { permission: demand.permission };
  return stepUpMetadata(stepUpFor(demand, principal?.kind ?? "person", conditions));
}

/** A refusal must tell the trail what was out of reach, since no handler will. */
function refuse(exchange: Exchange, reason: AccessRefusal, conditions: AccessConditions): never {
  const { permission } = exchange.entry.demand;
  exchange.audit.resources.push(auditResource(resourceOf(exchange)));
  if (permission !== "") exchange.audit.details.permission = permission;
  throw new GatehouseError(reason, { metadata: metadataOf(exchange, reason, conditions) });
}

/** Calls of SELF methods about the caller itself ask for less. */
function demandOf({ entry, request }: Exchange, principal: Principal): Demand {
  if (entry.access !== Access.SELF) return entry.demand;
  const value = request === undefined ? "" : entry.resourceValue(request);
  return value === "" || value === formatId("principal", principal.id) ? entry.ownDemand : entry.demand;
}

export function createAuthoriseStep(conditions: AccessConditions): Step {
  function check(exchange: Exchange, now: Date): void {
    const { entry, principal, incoming } = exchange;
    if (entry.access === Access.PUBLIC) {
      if (entry.demand.adminNetwork && !conditions.adminNetworks().contains(incoming.peer.address))
        refuse(exchange, "NETWORK_NOT_ALLOWED", conditions);
      return;
    }
    if (principal === undefined) throw new GatehouseError("CREDENTIAL_MISSING");
    const demand = demandOf(exchange, principal);
    // Nothing is asked of most checks of tokens, and they are the calls that everything else waits for.
    if (demand === nothingAsked) return;
    const resource = demand.grant === "none" ? "" : resourceOf(exchange);
    const reason = accessRefusal(demand, principal, resource, incoming.peer.address, now.getTime(), conditions);
    if (reason !== undefined) refuse(exchange, reason, conditions);
  }
  return {
    name: "authorise",
    reason: "before validation (AIP-211): who may not call learns nothing about the request",
    after: ["decode"],
    enter: (exchange) => check(exchange, exchange.now),
    again: check,
    // The trail tells what a stream shows before its handler can.
    begin: (exchange) => {
      if (exchange.entry.auditMode === AuditMode.BLOCKING)
        exchange.audit.resources.push(auditResource(resourceOf(exchange)));
    },
  };
}
