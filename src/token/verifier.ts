// Says what an access token claims, once its signature is verified, and remembers that: expiry, revocation and standing
// are asked anew on every use, the signature is not.
import { hash } from "node:crypto";
import { GatehouseError } from "../kernel/errors.ts";
import type { EncodedAnswer } from "../kernel/handler.ts";
import type { Principal } from "../kernel/principal.ts";
import { createRecentMap } from "../kernel/recent-map.ts";
import { type AccessTokenClaims, readClaims } from "./domain/claims.ts";
import { type CompactToken, maxTokenLength, readCompactToken, readPayload } from "./domain/compact-token.ts";
import { audiencesOf, clockSkewMs, type TokenSettings } from "./settings.ts";
import type { VerificationKeys } from "./verification-keys.ts";

/** A token of this installation: signature, form and claims are right. It may be dead all the same. */
export interface VerifiedToken {
  readonly claims: AccessTokenClaims;
  /** Unix milliseconds: live from the one until just before the other. */
  readonly liveFrom: number;
  readonly liveUntil: number;
  /** Made when first asked for, because neither changes while the token is remembered. */
  answer: EncodedAnswer | undefined;
  principal: Principal | undefined;
}

export interface Verifier {
  /** Whether the token was verified before; costs a hash. */
  known(token: string): VerifiedToken | undefined;
  /** Throws TOKEN_MALFORMED, _SIGNATURE_INVALID, _WRONG_KIND, _WRONG_ISSUER, _WRONG_AUDIENCE. */
  verify(token: string, now: Date): Promise<VerifiedToken>;
  sweep(now: Date): void;
}

/** About 1 KiB each. */
const rememberedTokens = 20_000;

/** Shorter than the token, quicker as a key of a map, and no live token lies in memory. */
function cacheKey(token: string): string {
  return hash("sha256", token, "binary");
}

function verified(claims: AccessTokenClaims): VerifiedToken {
  return {
    claims,
    liveFrom: Math.max(claims.notBefore, claims.issuedAt) * 1000 - clockSkewMs,
    liveUntil: claims.expiresAt * 1000,
    answer: undefined,
    principal: undefined,
  };
}

export function createVerifier(keys: VerificationKeys, settings: TokenSettings): Verifier {
  const remembered = createRecentMap<VerifiedToken>(rememberedTokens);
  const everywhere = audiencesOf(settings);
  const maxLifetimeSeconds = Math.ceil(settings.accessTokenLifetimeMs / 1000);

  /** The audiences that the signing key may speak for. Throws TOKEN_SIGNATURE_INVALID. */
  async function checkSignature(token: CompactToken): Promise<ReadonlySet<string>> {
    const key = keys.find(token.kid);
    if (key === undefined || key.algorithm !== token.algorithm || !(await key.verifies(token))) {
      throw new GatehouseError("TOKEN_SIGNATURE_INVALID");
    }
    return key.onlyAudience === undefined ? everywhere : new Set([key.onlyAudience]);
  }

  return {
    known: (token) => (token.length > maxTokenLength ? undefined : remembered.get(cacheKey(token))),
    async verify(token, now) {
      const compact = readCompactToken(token);
      const audiences = await checkSignature(compact);
      const claims = readClaims(readPayload(compact), { issuer: settings.issuer, audiences, maxLifetimeSeconds });
      const result = verified(claims);
      if (result.liveUntil > now.getTime()) remembered.set(cacheKey(token), result);
      return result;
    },
    sweep: (now) => remembered.sweep((token) => token.liveUntil <= now.getTime()),
  };
}
