// What the methods behind the OAuth endpoints answer, in the JSON of their RFCs.
import { fromBinary, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Actor,
  type Confirmation,
  ExchangeTokenResponseSchema,
  type IntrospectResponse,
  IntrospectResponseSchema,
  type IssuedToken,
  IssueTokenResponseSchema,
  RefreshResponseSchema,
  TokenKind,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { Presentation } from "@gatehouse/proto/gatehouse/token/v1/token_set_pb.js";
import { GatehouseError } from "../../../kernel/errors.ts";

export const accessTokenType = "urn:ietf:params:oauth:token-type:access_token";

function secondsLeft(expires: Timestamp | undefined, now: Date): number {
  if (expires === undefined) throw new GatehouseError("INTERNAL");
  return Math.max(0, Math.floor((timestampMs(expires) - now.getTime()) / 1000));
}

function tokenType(presentation: Presentation): "Bearer" | "DPoP" {
  return presentation === Presentation.DPOP ? "DPoP" : "Bearer";
}

function issued(token: IssuedToken | undefined, now: Date): JsonObject {
  if (token === undefined) throw new GatehouseError("INTERNAL");
  return {
    access_token: token.accessToken,
    token_type: tokenType(token.presentation),
    expires_in: secondsLeft(token.accessTokenExpireTime, now),
    scope: token.scopes.join(" "),
  };
}

/** RFC 6749 section 5.1. */
export function issuedAnswer(bytes: Uint8Array, now: Date): JsonObject {
  return issued(fromBinary(IssueTokenResponseSchema, bytes).issued, now);
}

/** RFC 8693 section 2.2.1. */
export function exchangedAnswer(bytes: Uint8Array, now: Date): JsonObject {
  const token = issued(fromBinary(ExchangeTokenResponseSchema, bytes).issued, now);
  return { ...token, issued_token_type: accessTokenType };
}

export function refreshedAnswer(bytes: Uint8Array, now: Date): JsonObject {
  const { tokens } = fromBinary(RefreshResponseSchema, bytes);
  if (tokens === undefined) throw new GatehouseError("INTERNAL");
  return {
    access_token: tokens.accessToken,
    token_type: tokenType(tokens.presentation),
    expires_in: secondsLeft(tokens.accessTokenExpireTime, now),
    refresh_token: tokens.refreshToken,
    scope: tokens.scopes.join(" "),
  };
}

/** RFC 8693 section 4.1: the latest actor outside, those before it inside. */
function actOf(actors: readonly Actor[]): JsonObject | undefined {
  return actors.reduceRight<JsonObject | undefined>(
    (inner, { subject, clientId }) => present({ sub: subject || clientId, client_id: clientId, act: inner }),
    undefined,
  );
}

function confirmed(confirmation: Confirmation | undefined): JsonObject | undefined {
  if (confirmation === undefined) return undefined;
  return present({ jkt: confirmation.keyThumbprint, "x5t#S256": confirmation.certificateThumbprint });
}

/** Members without a value are no members. */
function present(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const kept = Object.entries(members).filter(
    ([, value]) => value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(kept) as JsonObject;
}

function seconds(time: Timestamp | undefined): number | undefined {
  return time === undefined ? undefined : Math.floor(timestampMs(time) / 1000);
}

function presentedAs({ kind, confirmation }: IntrospectResponse): string | undefined {
  if (kind !== TokenKind.ACCESS) return undefined;
  return (confirmation?.keyThumbprint ?? "") === "" ? "Bearer" : "DPoP";
}

/** RFC 7662 section 2.2; `cnf` of RFC 8705 and RFC 9449, `act` of RFC 8693. */
export function introspectedAnswer(bytes: Uint8Array): JsonObject {
  const token = fromBinary(IntrospectResponseSchema, bytes);
  if (!token.active) return present({ active: false, reason: token.reason });
  return present({
    active: true,
    iss: token.issuer,
    sub: token.subject,
    aud: token.audience,
    client_id: token.clientId,
    scope: token.scopes.join(" "),
    token_type: presentedAs(token),
    jti: token.tokenId,
    sid: token.sessionId,
    iat: seconds(token.issueTime),
    nbf: seconds(token.notBeforeTime),
    exp: seconds(token.expireTime),
    auth_time: seconds(token.authenticationTime),
    amr: [...token.authenticationMethods],
    acr: token.authenticationContext,
    roles: [...token.roles],
    cnf: confirmed(token.confirmation),
    act: actOf(token.actors),
    may_act: token.mayAct === "" ? undefined : { sub: token.mayAct },
  });
}
