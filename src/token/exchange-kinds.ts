// Which tokens an exchange speaks of (RFC 8693 section 2.1): each comes with its kind, and a kind with its token.
import { type ExchangeTokenRequest, TokenKind } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { type FieldViolation, GatehouseError } from "../kernel/errors.ts";

const required = "is required";
const onlyAccess = "must be ACCESS";

function* violations(request: ExchangeTokenRequest): Generator<FieldViolation> {
  const { subjectToken, subjectTokenKind, actorToken, actorTokenKind } = request;
  if (subjectToken === "") yield { field: "subject_token", description: required };
  if (subjectTokenKind === TokenKind.UNSPECIFIED) yield { field: "subject_token_kind", description: required };
  else if (subjectTokenKind !== TokenKind.ACCESS) yield { field: "subject_token_kind", description: onlyAccess };
  if (actorToken === "") {
    if (actorTokenKind !== TokenKind.UNSPECIFIED)
      yield { field: "actor_token_kind", description: "must be left out when there is no actor token" };
  } else if (actorTokenKind === TokenKind.UNSPECIFIED) yield { field: "actor_token_kind", description: required };
  else if (actorTokenKind !== TokenKind.ACCESS) yield { field: "actor_token_kind", description: onlyAccess };
}

/** Throws REQUEST_INVALID. */
export function requireKinds(request: ExchangeTokenRequest): void {
  const found = [...violations(request)];
  if (found.length > 0) throw new GatehouseError("REQUEST_INVALID", { violations: found });
}
