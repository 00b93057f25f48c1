// Who calls. Runs before the body is decoded; a method that is not PUBLIC is reached with a live principal or not at all.
import { Access } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { GatehouseError } from "../../kernel/errors.ts";
import type { PeerCertificate } from "../../kernel/handler.ts";
import type {
  Authenticator,
  ClientPrincipals,
  PossessionGuard,
  ShownToken,
  WorkloadIdentities,
} from "../../kernel/ports.ts";
import type { Principal } from "../../kernel/principal.ts";
import { possessionOf } from "../call.ts";
import type { Exchange, Incoming, ShownClient } from "../exchange.ts";
import type { Step } from "../step.ts";

type Scheme = ShownToken["scheme"];
type Presented = Pick<ShownToken, "token" | "scheme">;

const bearer = "bearer ";
const dpop = "dpop ";

/** Undefined unless there is one word after the scheme. Plain comparisons, because tokens are long and calls many. */
function wordAfter(scheme: string, value: string): string | undefined {
  if (value.slice(0, scheme.length).toLowerCase() !== scheme) return undefined;
  let start = scheme.length;
  let end = value.length;
  while (value[start] === " ") start++;
  while (end > start && value[end - 1] === " ") end--;
  const word = value.slice(start, end);
  return word === "" || word.includes(" ") || word.includes(",") ? undefined : word;
}

/** Two credentials never fall through to one of them, nor to anonymous. */
function authorizationOf(incoming: Incoming): string {
  const values = incoming.metadata("authorization");
  const [value] = values;
  if (value === undefined) throw new GatehouseError("CREDENTIAL_MISSING");
  if (values.length > 1) throw malformed();
  return value;
}

function malformed(): GatehouseError {
  return new GatehouseError("CREDENTIAL_INVALID", { auditReason: "CREDENTIAL_MALFORMED" });
}

/** RFC 9449 section 7.1. Another scheme or an empty token never falls through to anonymous. */
function dpopToken(authorization: string): string {
  const token = wordAfter(dpop, authorization);
  if (token === undefined) throw malformed();
  return token;
}

/** RFC 6750 section 2.1, RFC 9449 section 7.1. */
function tokenOf(authorization: string): string {
  return wordAfter(bearer, authorization) ?? dpopToken(authorization);
}

/** Outside, every dead token looks the same; which way it is dead is for the audit trail and for introspectors. */
function refusal(cause: unknown): unknown {
  if (!(cause instanceof GatehouseError) || !cause.reason.startsWith("TOKEN_")) return cause;
  return new GatehouseError("CREDENTIAL_INVALID", { auditReason: cause.reason });
}

function become(exchange: Exchange, principal: Principal): void {
  exchange.principal = principal;
}

/** A certificate that is bound to nobody may still come with a token, so the caller is told that one is missing. */
function becomeWorkload(exchange: Exchange, principal: Principal | undefined): void {
  if (principal === undefined) throw new GatehouseError("CREDENTIAL_MISSING", { auditReason: "CERTIFICATE_UNBOUND" });
  become(exchange, principal);
}

export interface AuthenticateDeps {
  readonly authenticator: Authenticator;
  /** Undefined = tokens that are bound are not served. */
  readonly possession?: PossessionGuard | undefined;
  /** Undefined = no client shows a certificate. */
  readonly workloads?: WorkloadIdentities | undefined;
  /** Undefined = no client shows itself in any other way than by a token. */
  readonly clients?: ClientPrincipals | undefined;
}

/** Of bound tokens alone: the bearer shows what they are bound to. Once for each request, since a proof works once. */
function admit(
  guard: PossessionGuard | undefined,
  exchange: Exchange,
  principal: Principal,
  presented: Presented,
): void | Promise<void> {
  if (guard === undefined) throw new GatehouseError("CREDENTIAL_INVALID", { auditReason: "TOKEN_BOUND" });
  const shown = guard.requirePossession(principal, { ...presented, possession: possessionOf(exchange) }, exchange.now);
  if (!(shown instanceof Promise)) return become(exchange, principal);
  return shown.then(() => become(exchange, principal));
}

/** At an OAuth endpoint; such a call comes without a token. */
async function asClient(exchange: Exchange, shown: ShownClient, clients: ClientPrincipals | undefined): Promise<void> {
  if (clients === undefined) throw new GatehouseError("CREDENTIAL_MISSING");
  become(exchange, await clients.authenticate(shown.clientId, shown.clientSecret, exchange.now));
}

/** The certificate speaks for the caller only where there is no token, not even an empty one. */
function asWorkload(
  exchange: Exchange,
  certificate: PeerCertificate,
  workloads: WorkloadIdentities,
  now: Date,
): void | Promise<void> {
  const known = workloads.principalOf(certificate, now);
  if (!(known instanceof Promise)) return becomeWorkload(exchange, known);
  return known.then((principal) => becomeWorkload(exchange, principal));
}

export function createAuthenticateStep(deps: AuthenticateDeps): Step {
  // Of streams alone, which are looked at again and again: a token is long to cut out and to hash.
  const presented = new WeakMap<Exchange, string>();

  /** `scheme` undefined = it was shown before, at the beginning of the stream. */
  function settle(exchange: Exchange, principal: Principal, token: string, scheme: Scheme | undefined) {
    if (scheme === undefined || (scheme === "bearer" && principal.confirmation === undefined))
      return become(exchange, principal);
    return admit(deps.possession, exchange, principal, { token, scheme });
  }

  function authenticate(
    exchange: Exchange,
    token: string,
    scheme: Scheme | undefined,
    now: Date,
  ): void | Promise<void> {
    try {
      const known = deps.authenticator.authenticate(token, now);
      if (!(known instanceof Promise)) return settle(exchange, known, token, scheme);
      return known.then(
        (principal) => settle(exchange, principal, token, scheme),
        (cause) => {
          throw refusal(cause);
        },
      );
    } catch (cause) {
      throw refusal(cause);
    }
  }

  function check(exchange: Exchange, now: Date, given?: string): void | Promise<void> {
    const { incoming } = exchange;
    const { workloads } = deps;
    const certificate = workloads === undefined ? undefined : incoming.peer.certificate;
    if (certificate !== undefined) workloads?.requireLive(certificate, now);
    if (exchange.entry.access === Access.PUBLIC) return;
    if (incoming.client !== undefined) return asClient(exchange, incoming.client, deps.clients);
    if (certificate !== undefined && workloads !== undefined && incoming.metadata("authorization").length === 0)
      return asWorkload(exchange, certificate, workloads, now);
    if (given !== undefined) return authenticate(exchange, given, undefined, now);
    const authorization = authorizationOf(incoming);
    const token = wordAfter(bearer, authorization);
    if (token !== undefined) return authenticate(exchange, token, "bearer", now);
    return authenticate(exchange, dpopToken(authorization), "dpop", now);
  }

  return {
    name: "authenticate",
    reason: "before the body is decoded and before limits, which count by principal",
    after: ["address limit"],
    enter: (exchange) => check(exchange, exchange.now),
    begin(exchange) {
      if (exchange.entry.access !== Access.PUBLIC && exchange.incoming.metadata("authorization").length > 0)
        presented.set(exchange, tokenOf(authorizationOf(exchange.incoming)));
    },
    again: (exchange, now) => check(exchange, now, presented.get(exchange)),
  };
}
