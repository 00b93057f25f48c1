// The claims of an access token: RFC 9068 section 2.2, and `gen`, the generation of the principal. No personal data.
import { GatehouseError } from "../../kernel/errors.ts";
import { formatId, parseId } from "../../kernel/ids.ts";
import type { JsonObject } from "./strict-json.ts";

/** Instants are whole seconds since 1970, as JWT has them. */
export interface AccessTokenClaims {
  readonly issuer: string;
  /** UUID of the principal. */
  readonly subject: string;
  readonly audience: string;
  readonly expiresAt: number;
  readonly issuedAt: number;
  readonly notBefore: number;
  /** UUID. */
  readonly tokenId: string;
  /** UUID. */
  readonly sessionId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly authenticationMethods: readonly string[];
  readonly authenticationContext: string;
  readonly authenticatedAt: number;
  readonly generation: number;
}

/** What the installation takes for its own. */
export interface ClaimRules {
  readonly issuer: string;
  readonly audiences: ReadonlySet<string>;
  readonly maxLifetimeSeconds: number;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function malformed(): GatehouseError {
  return new GatehouseError("TOKEN_MALFORMED");
}

function text(payload: JsonObject, name: string): string {
  const value = payload[name];
  if (typeof value !== "string" || value === "") throw malformed();
  return value;
}

function texts(payload: JsonObject, name: string): readonly string[] {
  const value = payload[name];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) throw malformed();
  return value;
}

/** 1e999 is a number to JSON.parse: Infinity, and a token that never expires. Fractions and 9e15 are refused with it. */
function wholeNumber(payload: JsonObject, name: string): number {
  const value = payload[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed();
  return value;
}

function instant(payload: JsonObject, name: string): number {
  const value = wholeNumber(payload, name);
  // Beyond what a Date can hold (ECMA-262 section 21.4.1.1).
  if (value > 8.64e12) throw malformed();
  return value;
}

function uuid(value: string | undefined): string {
  if (value === undefined || !uuidPattern.test(value)) throw malformed();
  return value;
}

function scopesOf(payload: JsonObject): readonly string[] {
  const scopes = text(payload, "scope").split(" ");
  if (scopes.includes("")) throw malformed();
  return scopes;
}

function readMembers(payload: JsonObject): Omit<AccessTokenClaims, "issuer" | "audience"> {
  return {
    subject: uuid(parseId("principal", text(payload, "sub"))),
    expiresAt: instant(payload, "exp"),
    issuedAt: instant(payload, "iat"),
    notBefore: instant(payload, "nbf"),
    tokenId: uuid(text(payload, "jti")),
    sessionId: uuid(parseId("session", text(payload, "sid"))),
    clientId: text(payload, "client_id"),
    scopes: scopesOf(payload),
    roles: texts(payload, "roles"),
    authenticationMethods: texts(payload, "amr"),
    authenticationContext: text(payload, "acr"),
    authenticatedAt: instant(payload, "auth_time"),
    generation: wholeNumber(payload, "gen"),
  };
}

/**
 * Checks everything about verified claims that time and revocation do not change. Throws TOKEN_WRONG_ISSUER,
 * TOKEN_WRONG_AUDIENCE or TOKEN_MALFORMED.
 */
export function readClaims(payload: JsonObject, rules: ClaimRules): AccessTokenClaims {
  const { iss: issuer, aud: audience } = payload;
  if (issuer === undefined || audience === undefined) throw malformed();
  if (issuer !== rules.issuer) throw new GatehouseError("TOKEN_WRONG_ISSUER");
  // Lists are refused with ours on them too: each of our tokens is for one audience.
  if (typeof audience !== "string" || !rules.audiences.has(audience)) throw new GatehouseError("TOKEN_WRONG_AUDIENCE");
  const claims = { issuer: rules.issuer, audience, ...readMembers(payload) };
  const lifetime = claims.expiresAt - claims.issuedAt;
  if (lifetime < 0 || lifetime > rules.maxLifetimeSeconds) throw malformed();
  return claims;
}

export function writeClaims(claims: AccessTokenClaims): string {
  return JSON.stringify({
    iss: claims.issuer,
    sub: formatId("principal", claims.subject),
    aud: claims.audience,
    exp: claims.expiresAt,
    iat: claims.issuedAt,
    nbf: claims.notBefore,
    jti: claims.tokenId,
    sid: formatId("session", claims.sessionId),
    client_id: claims.clientId,
    scope: claims.scopes.join(" "),
    roles: claims.roles,
    amr: claims.authenticationMethods,
    acr: claims.authenticationContext,
    auth_time: claims.authenticatedAt,
    gen: claims.generation,
  });
}
