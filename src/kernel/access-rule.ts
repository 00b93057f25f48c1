// The one rule of access: allowed = a grant of the permission on the resource, minus any deny, narrowed by the token's
// scopes, by network and by step-up. The chain decides by it, and ExplainAccess and `gatehouse policy explain` tell by it.
import { hasSecondFactor, twoFactors } from "./assurance.ts";
import type { CurrentNetworks } from "./networks.ts";
import { granted, inScope, type Principal, visibility } from "./principal.ts";

/** What a method asks of its caller. Made once for each method. */
export interface Demand {
  /** The empty text = none. */
  readonly permission: string;
  /**
   * Which grant is asked for: of the `whole` resource; of `some` of what is at or below it; `scope` = none, but the token
   * must not be narrowed away from the permission; `none`.
   */
  readonly grant: "whole" | "some" | "scope" | "none";
  /** A recent authentication. */
  readonly stepUp: boolean;
  /** And a second factor, whoever calls. */
  readonly secondFactor: boolean;
  readonly adminNetwork: boolean;
}

/** What the installation's settings say. */
export interface AccessConditions {
  /** How long ago a caller may have authenticated where a method asks for a step-up; undefined = off. */
  readonly stepUpAgeMs: number | undefined;
  /** Whether people need a second factor where a method asks for a step-up. Machines have none; networks narrow them. */
  readonly secondFactor: boolean;
  readonly adminNetworks: CurrentNetworks;
}

export type AccessRefusal = "PERMISSION_DENIED" | "SCOPE_MISSING" | "NETWORK_NOT_ALLOWED" | "STEP_UP_REQUIRED";

type Shown = "scopes" | "kind" | "authenticatedAt" | "authenticationMethods" | "authenticationContext";

export type Asker = Pick<Principal, Shown> & {
  readonly standing: Pick<Principal["standing"], "grants">;
};

/** What a step-up comes to for whoever asks; each undefined = nothing. */
export interface StepUp {
  /** As `max_age` in RFC 9470. */
  readonly ageMs: number | undefined;
  /** As `acr_values` in RFC 9470. */
  readonly context: string | undefined;
}

/** Clocks of replicas that sign differ by less; a login that lies further ahead is no login. */
const skewMs = 60_000;

function holds({ grants }: Asker["standing"], { permission, grant }: Demand, resource: string, now: number): boolean {
  if (grant === "whole") return granted(grants, permission, resource, now);
  return grant !== "some" || visibility(grants, permission, resource, now).allow.length > 0;
}

function isRecent(authenticatedAt: Date, now: number, ageMs: number | undefined): boolean {
  if (ageMs === undefined) return true;
  const age = now - authenticatedAt.getTime();
  return age <= ageMs && age >= -skewMs;
}

export function stepUpFor(demand: Demand, kind: Principal["kind"], conditions: AccessConditions): StepUp {
  const byRule = demand.stepUp && conditions.secondFactor && kind === "person";
  return {
    ageMs: demand.stepUp ? conditions.stepUpAgeMs : undefined,
    context: demand.secondFactor || byRule ? twoFactors : undefined,
  };
}

function isSure(demand: Demand, asker: Asker, now: number, conditions: AccessConditions): boolean {
  const { ageMs, context } = stepUpFor(demand, asker.kind, conditions);
  return isRecent(asker.authenticatedAt, now, ageMs) && (context === undefined || hasSecondFactor(asker));
}

/**
 * Why not; undefined = allowed. In this order, so that who lacks the grant learns of nothing else, and nobody is sent to
 * log in again for what would be refused all the same.
 */
export function accessRefusal(
  demand: Demand,
  asker: Asker,
  resource: string,
  address: string,
  now: number,
  conditions: AccessConditions,
): AccessRefusal | undefined {
  if (!holds(asker.standing, demand, resource, now)) return "PERMISSION_DENIED";
  if (demand.grant !== "none" && !inScope(asker.scopes, demand.permission)) return "SCOPE_MISSING";
  if (demand.adminNetwork && !conditions.adminNetworks().contains(address)) return "NETWORK_NOT_ALLOWED";
  if (demand.stepUp && !isSure(demand, asker, now, conditions)) return "STEP_UP_REQUIRED";
  return undefined;
}
