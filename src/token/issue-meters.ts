// What is counted of tokens that are made: by the kind of grant, how long signing took, and why a grant was refused. It stands around
// what makes them, so that the rules themselves do not know that they are counted.
import type { IssueTokenRequest } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { GatehouseError, grpcCode } from "../kernel/errors.ts";
import type { Call } from "../kernel/handler.ts";
import type { Metrics } from "../kernel/metrics.ts";
import type { Observer } from "../kernel/observer.ts";
import type { AccessTokens } from "./access-tokens.ts";

/** What a token is given for. */
export type Grant =
  | "login"
  | "refresh"
  | "exchange"
  | "client_credentials"
  | "api_key"
  | "certificate"
  | "kubernetes_token";

/** From a cached answer to a key home or a database that is slow. */
export const bounds = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export const secondsSince = (begun: number): number => (performance.now() - begun) / 1000;

const askedGrants = {
  client: "client_credentials",
  apiKey: "api_key",
  certificate: "certificate",
  kubernetesToken: "kubernetes_token",
} as const;

export function grantAskedFor({ credential }: Pick<IssueTokenRequest, "credential">): Grant | "none" {
  return credential.case === undefined ? "none" : askedGrants[credential.case];
}

/** For each place that has tokens made, the same maker, counted under what that place gives them for. */
export function meterAccessTokens(
  accessTokens: AccessTokens,
  { metrics, tracer }: Observer,
): (grant: Grant) => AccessTokens {
  const issued = metrics.counter<"grant" | "outcome">({
    name: "gatehouse_tokens_issued_total",
    help: "Access tokens signed, and those that could not be, by what they were given for.",
    labels: ["grant", "outcome"],
  });
  const duration = metrics
    .histogram({
      name: "gatehouse_token_creation_duration_seconds",
      help: "Making and signing an access token.",
      bounds,
    })
    .with({});
  return (grant) => {
    const [ok, failed] = [issued.with({ grant, outcome: "ok" }), issued.with({ grant, outcome: "failed" })];
    return {
      async issue(order) {
        const begun = performance.now();
        try {
          const token = await tracer.within("token signature", () => accessTokens.issue(order));
          ok.add();
          return token;
        } catch (error) {
          failed.add();
          throw error;
        } finally {
          duration.record(secondsSince(begun));
        }
      },
    };
  };
}

/** Codes of a caller who is wrong; the others say that something here did not work. */
const callersFault: ReadonlySet<number> = new Set([
  grpcCode.UNAUTHENTICATED,
  grpcCode.INVALID_ARGUMENT,
  grpcCode.PERMISSION_DENIED,
  grpcCode.FAILED_PRECONDITION,
  grpcCode.NOT_FOUND,
]);

/** Whether a caller was refused or something failed, and the reason as the trail has it. */
export function refusalOf(error: unknown): readonly ["refused" | "failed", string] {
  if (!(error instanceof GatehouseError)) return ["failed", "INTERNAL"];
  return [callersFault.has(error.code) ? "refused" : "failed", error.auditReason];
}

/** Around IssueToken and ExchangeToken; Refresh has counters of its own. Nothing is added to a call that succeeds. */
export function createGrantMeter(metrics: Metrics) {
  const refused = metrics.counter<"grant" | "outcome" | "reason">({
    name: "gatehouse_token_grants_refused_total",
    help: "Tokens that machines and applications asked for and did not get, by what they showed and why.",
    labels: ["grant", "outcome", "reason"],
  });
  return <Request, Answer>(
    give: (request: Request, call: Call) => Promise<Answer> | Answer,
    grantOf: (request: Request) => Grant | "none",
  ): ((request: Request, call: Call) => Promise<Answer>) =>
    async (request, call) => {
      try {
        return await give(request, call);
      } catch (error) {
        const [outcome, reason] = refusalOf(error);
        refused.with({ grant: grantOf(request), outcome, reason }).add();
        throw error;
      }
    };
}
