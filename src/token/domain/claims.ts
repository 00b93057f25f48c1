// The claims of an access token: RFC 9068 section 2.2; `cnf`, `act` and `may_act`; and what ends it: `gen`, the generation of the
// principal, `cgen`, that of the client, `cred`, what it was issued for, `src`, the tokens that it was exchanged for, `via`, who exchanged
// them, and `since`.
// No personal data, but for `name` where a client asks for it.
import { GatehouseError } from "../../kernel/errors.ts";
import { formatId, parseId } from "../../kernel/ids.ts";
import type { Confirmation } from "../../kernel/principal.ts";
import {
  asObject,
  generationNumber,
  instant,
  malformed,
  optional,
  preciseInstant,
  text,
  texts,
  uuid,
  uuidText,
} from "./claim-values.ts";
import { readConfirmation, writeConfirmation } from "./confirmation.ts";
import {
  type Actor,
  type Hand,
  type Origin,
  readActors,
  readHands,
  readOrigins,
  writeActors,
  writeHands,
  writeOrigins,
} from "./delegation.ts";
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
  /** UUID. Undefined = it was issued to a machine, which has none. */
  readonly sessionId: string | undefined;
  readonly clientId: string;
  /** Of the client, when it is not the built-in one: a token of an older one is dead. */
  readonly clientGeneration?: number | undefined;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly authenticationMethods: readonly string[];
  readonly authenticationContext: string;
  readonly authenticatedAt: number;
  readonly generation: number;
  /** Number of the last ending of all that its subject was given through its client, which it came after. Undefined = there was none of late. */
  readonly since?: number | undefined;
  /** UUID of the API key or the binding that it was issued for. */
  readonly credentialId?: string | undefined;
  readonly confirmation?: Confirmation | undefined;
  /** The latest first. Undefined = the subject acts itself. */
  readonly actors?: readonly Actor[] | undefined;
  /** Client or principal, as text, that alone may exchange it. */
  readonly mayAct?: string | undefined;
  readonly origins?: readonly Origin[] | undefined;
  readonly hands?: readonly Hand[] | undefined;
}

/** What the installation takes for its own. */
export interface ClaimRules {
  readonly issuer: string;
  readonly audiences: ReadonlySet<string>;
  /** Whether tokens that were given to a client may be for others: the client had the audience when they were. */
  readonly clientAudiences?: boolean;
  readonly maxLifetimeSeconds: number;
}

function scopesOf(payload: JsonObject): readonly string[] {
  const scopes = text(payload, "scope").split(" ");
  if (scopes.includes("")) throw malformed();
  return scopes;
}

function sessionOf(payload: JsonObject, name: string): string {
  return uuid(parseId("session", text(payload, name)));
}

function mayActOf(payload: JsonObject): string {
  return text(asObject(payload.may_act), "sub");
}

function readMembers(payload: JsonObject): Omit<AccessTokenClaims, "issuer" | "audience"> {
  return {
    subject: uuid(parseId("principal", text(payload, "sub"))),
    expiresAt: instant(payload, "exp"),
    issuedAt: instant(payload, "iat"),
    notBefore: instant(payload, "nbf"),
    tokenId: uuid(text(payload, "jti")),
    sessionId: optional(payload, "sid", sessionOf),
    clientId: text(payload, "client_id"),
    clientGeneration: optional(payload, "cgen", generationNumber),
    scopes: scopesOf(payload),
    roles: texts(payload, "roles"),
    authenticationMethods: texts(payload, "amr"),
    authenticationContext: text(payload, "acr"),
    authenticatedAt: instant(payload, "auth_time"),
    generation: generationNumber(payload, "gen"),
    since: optional(payload, "since", preciseInstant),
    credentialId: optional(payload, "cred", uuidText),
    confirmation: optional(payload, "cnf", readConfirmation),
    actors: optional(payload, "act", readActors),
    mayAct: optional(payload, "may_act", mayActOf),
    origins: optional(payload, "src", readOrigins),
    hands: optional(payload, "via", readHands),
  };
}

function mayBeFor(audience: string, { cgen }: JsonObject, { audiences, clientAudiences }: ClaimRules): boolean {
  return audiences.has(audience) || (clientAudiences === true && cgen !== undefined && audience !== "");
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
  if (typeof audience !== "string" || !mayBeFor(audience, payload, rules))
    throw new GatehouseError("TOKEN_WRONG_AUDIENCE");
  const claims = { issuer: rules.issuer, audience, ...readMembers(payload) };
  // Whatever is handed out can be ended by more than its own id: with its session, its client, or what it was issued for.
  if (claims.sessionId === undefined && claims.clientGeneration === undefined && claims.credentialId === undefined)
    throw malformed();
  const lifetime = claims.expiresAt - claims.issuedAt;
  if (lifetime < 0 || lifetime > rules.maxLifetimeSeconds) throw malformed();
  return claims;
}

/** `displayName`: for whoever the token is for. Gatehouse itself never reads it. */
export function writeClaims(claims: AccessTokenClaims, displayName?: string): string {
  return JSON.stringify({
    iss: claims.issuer,
    sub: formatId("principal", claims.subject),
    aud: claims.audience,
    exp: claims.expiresAt,
    iat: claims.issuedAt,
    nbf: claims.notBefore,
    jti: claims.tokenId,
    sid: claims.sessionId === undefined ? undefined : formatId("session", claims.sessionId),
    client_id: claims.clientId,
    cgen: claims.clientGeneration,
    scope: claims.scopes.join(" "),
    roles: claims.roles,
    amr: claims.authenticationMethods,
    acr: claims.authenticationContext,
    auth_time: claims.authenticatedAt,
    gen: claims.generation,
    since: claims.since,
    cred: claims.credentialId,
    cnf: writeConfirmation(claims.confirmation),
    act: writeActors(claims.actors),
    may_act: claims.mayAct === undefined ? undefined : { sub: claims.mayAct },
    src: writeOrigins(claims.origins),
    via: writeHands(claims.hands),
    name: displayName,
  });
}
