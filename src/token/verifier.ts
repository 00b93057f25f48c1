// Says what an access token claims, once its signature is verified, and remembers that: expiry, revocation and standing
// are asked anew on every use, the signature is not.
import { hash } from "node:crypto";
import { GatehouseError } from "../kernel/errors.ts";
import type { EncodedAnswer } from "../kernel/handler.ts";
import type { Principal } from "../kernel/principal.ts";
import { createRecentMap } from "../kernel/recent-map.ts";
import { type AccessTokenClaims, type ClaimRules, readClaims } from "./domain/claims.ts";
import {
  type CompactToken,
  maxTokenLength,
  readCompactToken,
  readPayload,
  type TokenHeader,
} from "./domain/compact-token.ts";
import { audiencesOf, clockSkewMs, type TokenSettings } from "./settings.ts";
import type { TokenVerifyingKey, VerificationKeys } from "./verification-keys.ts";

/** A token of this installation: signature, form and claims are right. It may be dead all the same. */
export interface VerifiedToken {
  readonly claims: AccessTokenClaims;
  /** Of the key that signed it. */
  readonly kid: string;
  /** Unix milliseconds: live from the one until just before the other. */
  readonly liveFrom: number;
  readonly liveUntil: number;
  /** Made when first asked for, because neither changes while the token is remembered. */
  answer: EncodedAnswer | undefined;
  /** Whether the answer was asked for before. */
  asked: boolean;
  principal: Principal | undefined;
}

export interface Verifier {
  /** Whether the token was verified before; costs a hash. */
  known(token: string): VerifiedToken | undefined;
  /** Forgets what a key signed, once it is compromised. */
  forgetKey(kid: string): void;
  /** Throws TOKEN_MALFORMED, _SIGNATURE_INVALID, _REVOKED, _WRONG_KIND, _WRONG_ISSUER, _WRONG_AUDIENCE. */
  verify(token: string, now: Date): Promise<VerifiedToken>;
  sweep(now: Date): void;
}

/** About 1 KiB each. */
const rememberedTokens = 20_000;

/** As many as there may be keys, and room for the inventions of strangers. */
const rememberedHeaders = 128;

/** Shorter than the token, quicker as a key of a map, and no live token lies in memory. */
function cacheKey(token: string): string {
  return hash("sha256", token, "binary");
}

function verified(claims: AccessTokenClaims, kid: string): VerifiedToken {
  return {
    claims,
    kid,
    liveFrom: Math.max(claims.notBefore, claims.issuedAt) * 1000 - clockSkewMs,
    liveUntil: claims.expiresAt * 1000,
    answer: undefined,
    asked: false,
    principal: undefined,
  };
}

/** Who had the key could make the token that this one was exchanged for. */
function restsOn({ origins }: AccessTokenClaims, kid: string): boolean {
  return origins?.some((origin) => origin.kid === kid) ?? false;
}

export function createVerifier(keys: VerificationKeys, settings: TokenSettings): Verifier {
  const remembered = createRecentMap<VerifiedToken>(rememberedTokens);
  const headers = createRecentMap<TokenHeader>(rememberedHeaders);
  const everywhere = { audiences: audiencesOf(settings), clientAudiences: true };
  const maxLifetimeSeconds = Math.ceil(settings.accessTokenLifetimeMs / 1000);

  /** A key that nobody here knows may be a moment old. Looking for it names no key, so a stranger's kid is asked nowhere. */
  async function findKey(kid: string): Promise<TokenVerifyingKey | undefined> {
    const key = keys.find(kid);
    if (key !== undefined) return key;
    if (keys.compromised(kid)) throw new GatehouseError("TOKEN_REVOKED");
    await keys.lookAgain();
    return keys.find(kid);
  }

  /** The audiences that the signing key may speak for. Throws TOKEN_SIGNATURE_INVALID, TOKEN_REVOKED. */
  async function checkSignature(token: CompactToken): Promise<Pick<ClaimRules, "audiences" | "clientAudiences">> {
    const key = keys.find(token.kid) ?? (await findKey(token.kid));
    if (key === undefined || key.algorithm !== token.algorithm || !(await key.verifies(token))) {
      throw new GatehouseError("TOKEN_SIGNATURE_INVALID");
    }
    // The wait was long enough for a compromise to come in.
    if (keys.compromised(token.kid)) throw new GatehouseError("TOKEN_REVOKED");
    return key.onlyAudience === undefined ? everywhere : { audiences: new Set([key.onlyAudience]) };
  }

  return {
    known: (token) => (token.length > maxTokenLength ? undefined : remembered.get(cacheKey(token))),
    async verify(token, now) {
      const compact = readCompactToken(token, headers);
      const speaksFor = await checkSignature(compact);
      const claims = readClaims(readPayload(compact), { issuer: settings.issuer, ...speaksFor, maxLifetimeSeconds });
      if (claims.origins?.some(({ kid }) => keys.compromised(kid))) throw new GatehouseError("TOKEN_REVOKED");
      const result = verified(claims, compact.kid);
      if (result.liveUntil > now.getTime()) remembered.set(cacheKey(token), result);
      return result;
    },
    forgetKey: (kid) => remembered.sweep(({ claims, kid: own }) => own === kid || restsOn(claims, kid)),
    sweep: (now) => remembered.sweep((token) => token.liveUntil <= now.getTime()),
  };
}
