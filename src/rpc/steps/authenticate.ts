// Who calls. Runs before the body is decoded; a method that is not PUBLIC is reached with a live principal or not at all.
import { Access } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Authenticator } from "../../kernel/ports.ts";
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

export function createAuthenticateStep(deps: { readonly authenticator: Authenticator }): Step {
  return {
    name: "authenticate",
    reason: "before the body is decoded and before limits, which count by principal",
    after: ["address limit"],
    enter(exchange) {
      if (exchange.entry.access === Access.PUBLIC) return;
      const token = bearerToken(exchange.incoming);
      try {
        const known = deps.authenticator.authenticate(token, exchange.now);
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
    },
  };
}
