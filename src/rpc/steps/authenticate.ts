// Who calls. Runs before the body is decoded; a method that is not PUBLIC is reached with a live principal or not at all.
import { Access } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { GatehouseError } from "../../kernel/errors.ts";
import type { PeerCertificate } from "../../kernel/handler.ts";
import type { Authenticator, WorkloadIdentities } from "../../kernel/ports.ts";
import type { Principal } from "../../kernel/principal.ts";
import type { Exchange, Incoming } from "../exchange.ts";
import type { Step } from "../step.ts";

const scheme = "bearer ";

/** Undefined unless there is one word after the scheme. Plain comparisons, because tokens are long and calls many. */
function wordAfterScheme(value: string): string | undefined {
  if (value.slice(0, scheme.length).toLowerCase() !== scheme) return undefined;
  let start = scheme.length;
  let end = value.length;
  while (value[start] === " ") start++;
  while (end > start && value[end - 1] === " ") end--;
  const word = value.slice(start, end);
  return word === "" || word.includes(" ") || word.includes(",") ? undefined : word;
}

/** The token of RFC 6750 section 2.1. Two credentials, another scheme or an empty token never fall through to anonymous. */
function bearerToken(incoming: Incoming): string {
  const values = incoming.metadata("authorization");
  const [value] = values;
  if (value === undefined) throw new GatehouseError("CREDENTIAL_MISSING");
  const token = values.length === 1 ? wordAfterScheme(value) : undefined;
  if (token === undefined) throw new GatehouseError("CREDENTIAL_INVALID", { auditReason: "CREDENTIAL_MALFORMED" });
  return token;
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
  /** Undefined = no client shows a certificate. */
  readonly workloads?: WorkloadIdentities | undefined;
}

export function createAuthenticateStep(deps: AuthenticateDeps): Step {
  // Of streams alone, which are looked at again and again: a token is long to cut out and to hash.
  const presented = new WeakMap<Exchange, string>();

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

  function check(exchange: Exchange, now: Date, given?: string): void | Promise<void> {
    const { incoming } = exchange;
    const { workloads } = deps;
    const certificate = workloads === undefined ? undefined : incoming.peer.certificate;
    if (certificate !== undefined) workloads?.requireLive(certificate, now);
    if (exchange.entry.access === Access.PUBLIC) return;
    if (certificate !== undefined && workloads !== undefined && incoming.metadata("authorization").length === 0)
      return asWorkload(exchange, certificate, workloads, now);
    const token = given ?? bearerToken(incoming);
    try {
      const known = deps.authenticator.authenticate(token, now);
      if (!(known instanceof Promise)) return become(exchange, known);
      return known.then(
        (principal) => become(exchange, principal),
        (cause) => {
          throw refusal(cause);
        },
      );
    } catch (cause) {
      throw refusal(cause);
    }
  }
  return {
    name: "authenticate",
    reason: "before the body is decoded and before limits, which count by principal",
    after: ["address limit"],
    enter: (exchange) => check(exchange, exchange.now),
    begin(exchange) {
      if (exchange.entry.access !== Access.PUBLIC && exchange.incoming.metadata("authorization").length > 0)
        presented.set(exchange, bearerToken(exchange.incoming));
    },
    again: (exchange, now) => check(exchange, now, presented.get(exchange)),
  };
}
