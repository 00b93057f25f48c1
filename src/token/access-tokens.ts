// Makes access tokens. Signing may wait for a remote key home, so it never happens inside a transaction.
import { GatehouseError } from "../kernel/errors.ts";
import { uuidv7 } from "../kernel/ids.ts";
import type { Standing } from "../kernel/principal.ts";
import type { TokenSigner } from "../kernel/sealing.ts";
import { writeClaims } from "./domain/claims.ts";
import { writeSigningInput } from "./domain/compact-token.ts";
import { audiencesOf, type TokenSettings } from "./settings.ts";
import { hmacKeyId, hmacSignature } from "./verification-keys.ts";

export interface AccessTokenOrder {
  readonly standing: Standing;
  readonly sessionId: string;
  readonly clientId: string;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly authenticationMethods: readonly string[];
  readonly authenticationContext: string;
  readonly authenticatedAt: Date;
  readonly now: Date;
  /** The token dies with it at the latest. */
  readonly sessionExpiresAt: Date;
}

export interface AccessToken {
  readonly text: string;
  readonly tokenId: string;
  readonly expiresAt: Date;
}

export interface AccessTokens {
  /** Errors: KEYS_UNAVAILABLE, AUDIENCE_UNKNOWN. */
  issue(order: AccessTokenOrder): Promise<AccessToken>;
}

function seconds(instant: Date): number {
  return Math.floor(instant.getTime() / 1000);
}

function claimsOf(order: AccessTokenOrder, settings: TokenSettings) {
  const issuedAt = seconds(order.now);
  const longest = issuedAt + Math.floor(settings.accessTokenLifetimeMs / 1000);
  return {
    issuer: settings.issuer,
    subject: order.standing.principalId,
    audience: order.audience,
    expiresAt: Math.max(issuedAt, Math.min(longest, seconds(order.sessionExpiresAt))),
    issuedAt,
    notBefore: issuedAt,
    tokenId: uuidv7(order.now),
    sessionId: order.sessionId,
    clientId: order.clientId,
    scopes: order.scopes,
    roles: order.standing.roles,
    authenticationMethods: order.authenticationMethods,
    authenticationContext: order.authenticationContext,
    authenticatedAt: seconds(order.authenticatedAt),
    generation: order.standing.generation,
  };
}

export function createAccessTokens(signer: TokenSigner, settings: TokenSettings): AccessTokens {
  const audiences = audiencesOf(settings);

  async function sign(audience: string, payload: string): Promise<string> {
    const foreign = settings.foreignHmacKey;
    if (foreign?.audience === audience) {
      const input = writeSigningInput("HS256", hmacKeyId(audience), payload);
      return `${input}.${hmacSignature(foreign, input).toString("base64url")}`;
    }
    const { algorithm, kid } = signer.current();
    const input = writeSigningInput(algorithm, kid, payload);
    const signature = await signer.sign(kid, Buffer.from(input, "latin1"));
    return `${input}.${signature.toString("base64url")}`;
  }

  return {
    async issue(order) {
      if (!audiences.has(order.audience)) throw new GatehouseError("AUDIENCE_UNKNOWN");
      const claims = claimsOf(order, settings);
      const text = await sign(order.audience, writeClaims(claims));
      return { text, tokenId: claims.tokenId, expiresAt: new Date(claims.expiresAt * 1000) };
    },
  };
}
