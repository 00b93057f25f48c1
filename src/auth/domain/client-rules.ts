// What may stand about a client, and what makes no sense together.
import type { FieldViolation } from "../../kernel/errors.ts";
import type { Client } from "../../kernel/ports.ts";
import { anyPermission } from "../../kernel/principal.ts";

/** What an administrator decides of a client. */
export interface ClientContent extends Omit<Client, "id" | "generation" | "confidential"> {
  readonly displayName: string;
}

/** What the installation allows. */
export interface ClientBounds {
  readonly accessTokenLifetimeMs: number;
  readonly refreshTokenLifetimeMs: number;
  /** Gatehouse itself. */
  readonly ownAudience: string;
  /** The audience whose tokens are HS256; undefined = there is none. */
  readonly hmacAudience: string | undefined;
}

const shortestLifetimeMs = 60_000;
/** RFC 6749 section 3.3. A space would make two of one in the claim. */
const scopeToken = /^[!#-[\]-~]+$/;

/** Whether one is wrong, where, and why; fields as the settings have them. */
type Rule = (content: ClientContent, confidential: boolean, bounds: ClientBounds) => boolean;

const usesSessions = ({ logins }: ClientContent): boolean => logins;

const rules: readonly (readonly [field: string, description: string, wrong: Rule])[] = [
  ["audiences", "must name at least one", ({ audiences }) => audiences.length === 0],
  ["scopes", "must name at least one", ({ scopes }) => scopes.length === 0],
  ["scopes", "must be scope tokens of RFC 6749", ({ scopes }) => !scopes.every((scope) => scopeToken.test(scope))],
  ["scopes", "must be * alone, or without it", ({ scopes }) => scopes.length > 1 && scopes.includes(anyPermission)],
  [
    "logins",
    "must be set, or exchange, or service_account_id: the client could do nothing",
    ({ logins, exchange, principalId }) => !logins && !exchange && principalId === undefined,
  ],
  ["exchange", "is of confidential clients only", ({ exchange }, confidential) => exchange && !confidential],
  [
    "service_account_id",
    "is of confidential clients only",
    ({ principalId }, confidential) => principalId !== undefined && !confidential,
  ],
  [
    "refresh_rotation",
    "must not be off for a public client (RFC 9700 section 4.14.2)",
    ({ refreshRotation }, confidential) => refreshRotation === "off" && !confidential,
  ],
  [
    "refresh_rotation",
    "is of clients that log people in",
    (content) => content.refreshRotation === "off" && !usesSessions(content),
  ],
  [
    "refresh_token_lifetime",
    "is of clients that log people in",
    (content) => content.refreshTokenLifetimeMs !== undefined && !usesSessions(content),
  ],
  [
    "display_name_claim",
    "is of clients that log people in or exchange their tokens",
    ({ displayNameClaim, logins, exchange }) => displayNameClaim && !logins && !exchange,
  ],
  [
    "access_token_lifetime",
    "must be at least a minute and no longer than that of the installation",
    ({ accessTokenLifetimeMs: own }, _confidential, bounds) =>
      own !== undefined && !(own >= shortestLifetimeMs && own <= bounds.accessTokenLifetimeMs),
  ],
  [
    "refresh_token_lifetime",
    "must be at least that of its access tokens and no longer than that of the installation",
    ({ refreshTokenLifetimeMs: own, accessTokenLifetimeMs: access }, _confidential, bounds) =>
      own !== undefined && !(own >= (access ?? shortestLifetimeMs) && own <= bounds.refreshTokenLifetimeMs),
  ],
  [
    "algorithm",
    "is told by the audience, whose tokens are HS256",
    ({ algorithm, audiences }, _confidential, { hmacAudience }) =>
      algorithm !== undefined && audiences.length > 0 && audiences.every((audience) => audience === hmacAudience),
  ],
  [
    "encryption_key",
    "must not be set for a client whose tokens may be for Gatehouse, which has no such key",
    ({ encryptionKey, audiences }, _confidential, { ownAudience }) =>
      encryptionKey !== undefined && audiences.includes(ownAudience),
  ],
];

/** Every fault at once; `settings.` stands before the field. */
export function clientFaults(content: ClientContent, confidential: boolean, bounds: ClientBounds): FieldViolation[] {
  return rules
    .filter(([, , wrong]) => wrong(content, confidential, bounds))
    .map(([field, description]) => ({ field: `settings.${field}`, description }));
}

/** Whether what was handed out before must die: it could go on as somebody, or through something, that is no more. */
export function endsTokens(before: ClientContent, after: ClientContent): boolean {
  return (!before.disabled && after.disabled) || before.principalId !== after.principalId;
}

/** Whether the change could give whoever holds the client's secret more than before. */
export function mayWiden(before: ClientContent, after: ClientContent): boolean {
  const only = (content: ClientContent) => JSON.stringify({ ...content, displayName: "", disabled: false });
  return only(before) !== only(after) || (before.disabled && !after.disabled);
}
