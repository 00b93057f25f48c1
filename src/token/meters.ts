// What is counted of tokens: validated, refreshed, and what was wrong with them; issue-meters.ts has those that are made. Each meter
// stands around the part that it watches, so that the rules themselves do not know that they are counted.
import { GatehouseError } from "../kernel/errors.ts";
import type { Call } from "../kernel/handler.ts";
import type { Counter, Metrics } from "../kernel/metrics.ts";
import type { Authenticator } from "../kernel/ports.ts";
import { bounds, refusalOf, secondsSince } from "./issue-meters.ts";
import type { Verifier } from "./verifier.ts";

type Outcome = "valid" | "expired" | "revoked" | "invalid" | "withheld" | "error";

export interface Validations {
  valid(): void;
  /** The token is dead or none of ours, and why. */
  dead(reason: string): void;
  /** The caller may not hear anything of that token. */
  withheld(): void;
  /** Nobody could say. */
  failed(error: unknown): void;
}

function outcomeOf(reason: string): Outcome {
  if (reason === "TOKEN_EXPIRED") return "expired";
  return reason === "TOKEN_REVOKED" ? "revoked" : "invalid";
}

/** `by`: the gate that lets callers in, or Introspect that answers for others. One for each, made once. */
export function createValidations(metrics: Metrics): (by: "gate" | "introspect") => Validations {
  const family = metrics.counter<"by" | "outcome" | "reason">({
    name: "gatehouse_tokens_validated_total",
    help: "Tokens checked, by the gate for its callers or by Introspect for others, and what was found.",
    labels: ["by", "outcome", "reason"],
  });
  return (by) => {
    const valid = family.with({ by, outcome: "valid", reason: "none" });
    const counters = new Map<string, Counter>();
    function count(outcome: Outcome, reason: string): void {
      let counter = counters.get(reason);
      if (counter === undefined) {
        counter = family.with({ by, outcome, reason });
        counters.set(reason, counter);
      }
      counter.add();
    }
    return {
      valid: () => valid.add(),
      dead: (reason) => count(outcomeOf(reason), reason),
      withheld: () => count("withheld", "none"),
      failed: (error) => count("error", error instanceof GatehouseError ? error.reason : "INTERNAL"),
    };
  };
}

export function meterAuthenticator(authenticator: Authenticator, validations: Validations): Authenticator {
  function refused(error: unknown): never {
    if (error instanceof GatehouseError && error.reason.startsWith("TOKEN_")) validations.dead(error.reason);
    else validations.failed(error);
    throw error;
  }
  return {
    authenticate(token, now) {
      try {
        const principal = authenticator.authenticate(token, now);
        if (principal instanceof Promise)
          return principal.then((late) => {
            validations.valid();
            return late;
          }, refused);
        validations.valid();
        return principal;
      } catch (error) {
        return refused(error);
      }
    },
  };
}

/** Only tokens that are new to this process come here; what is remembered costs less than counting it twice. */
export function meterVerifier(verifier: Verifier, metrics: Metrics): Verifier {
  const duration = metrics
    .histogram({
      name: "gatehouse_token_validation_duration_seconds",
      help: "Verifying the signature and claims of an access token that this process had not seen before.",
      bounds,
    })
    .with({});
  const signatureFailures = metrics
    .counter({ name: "gatehouse_token_signature_failures_total", help: "Access tokens whose signature is wrong." })
    .with({});
  return {
    ...verifier,
    async verify(token, now) {
      const begun = performance.now();
      try {
        return await verifier.verify(token, now);
      } catch (error) {
        if (error instanceof GatehouseError && error.reason === "TOKEN_SIGNATURE_INVALID") signatureFailures.add();
        throw error;
      } finally {
        duration.record(secondsSince(begun));
      }
    },
  };
}

type RefreshOutcome = "refreshed" | "repeated" | "refused" | "failed";

export function meterRefresh<Request, Answer>(
  refresh: (request: Request, call: Call) => Promise<Answer>,
  metrics: Metrics,
): (request: Request, call: Call) => Promise<Answer> {
  const refreshed = metrics.counter<"outcome" | "reason">({
    name: "gatehouse_tokens_refreshed_total",
    help: "Uses of refresh tokens; the reason REFRESH_TOKEN_REUSED ended a session.",
    labels: ["outcome", "reason"],
  });
  // Present from the start, so that the first of its kind is a rise from nought.
  refreshed.with({ outcome: "refused", reason: "REFRESH_TOKEN_REUSED" });
  const duration = metrics
    .histogram({ name: "gatehouse_token_refresh_duration_seconds", help: "From refresh token to new tokens.", bounds })
    .with({});
  return async (request, call) => {
    const begun = performance.now();
    try {
      const answer = await refresh(request, call);
      const outcome: RefreshOutcome = call.audit.details.successor === "repeated" ? "repeated" : "refreshed";
      refreshed.with({ outcome, reason: "none" }).add();
      return answer;
    } catch (error) {
      const [outcome, reason] = refusalOf(error);
      refreshed.with({ outcome, reason }).add();
      throw error;
    } finally {
      duration.record(secondsSince(begun));
    }
  };
}
