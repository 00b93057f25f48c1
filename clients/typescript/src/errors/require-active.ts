// Turns the answer of Introspect into the token errors that callers tell apart.
import type { IntrospectResponse } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { makeError } from "./kinds.ts";

const unauthenticated = 16;

/**
 * Passes an active token's claims on. Throws ExpiredToken or RevokedToken when the server told why (callers with
 * `token.introspect.reason`), InvalidToken otherwise.
 */
export function requireActive(answer: IntrospectResponse): IntrospectResponse {
  if (answer.active) return answer;
  throw makeError({
    message: "the token is not active",
    reason: answer.reason === "" ? "CREDENTIAL_INVALID" : answer.reason,
    grpcCode: unauthenticated,
  });
}
