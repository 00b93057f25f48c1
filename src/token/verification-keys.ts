// The keys that verify access tokens. Each fixes its algorithm and what it may speak for; a token's header only names one.
import { createHmac, createPublicKey, hash, timingSafeEqual } from "node:crypto";
import type { ForeignHmacKey, TokenSigner, VerificationKey } from "../kernel/sealing.ts";
import { createVerify } from "../kernel/signatures.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import type { CompactToken, TokenAlgorithm } from "./domain/compact-token.ts";
import type { TokenSettings } from "./settings.ts";

export interface TokenVerifyingKey {
  readonly algorithm: TokenAlgorithm;
  /** Undefined = every audience of the installation. */
  readonly onlyAudience: string | undefined;
  verifies(token: CompactToken): Promise<boolean>;
}

export interface VerificationKeys {
  /** From memory, whatever `kid` says: a stranger's key id never causes a look-up elsewhere. */
  find(kid: string): TokenVerifyingKey | undefined;
  compromised(kid: string): boolean;
  /** For keys that another replica has just made. Errors: DATABASE_UNAVAILABLE. */
  lookAgain(): Promise<void>;
}

function asymmetric({ algorithm, jwk }: VerificationKey): TokenVerifyingKey {
  const verify = createVerify(algorithm, createPublicKey({ key: { ...jwk }, format: "jwk" }));
  return {
    algorithm,
    onlyAudience: undefined,
    verifies: ({ signingInput, signature }) => verify(Buffer.from(signingInput, "latin1"), signature),
  };
}

/** RFC 7518 section 3.2. */
export function hmacSignature(key: ForeignHmacKey, signingInput: string): Buffer {
  return createHmac("sha256", key.key.expose()).update(signingInput, "latin1").digest();
}

/** Names the audience and not the key, of which a thumbprint would tell something. */
export function hmacKeyId(audience: string): string {
  return hash("sha256", `gatehouse/foreign-hmac/${audience}`, "base64url");
}

function shared(key: ForeignHmacKey): TokenVerifyingKey {
  return {
    algorithm: "HS256",
    onlyAudience: key.audience,
    verifies: async ({ signingInput, signature }) => {
      const expected = hmacSignature(key, signingInput);
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    },
  };
}

export function createVerificationKeys(
  signer: TokenSigner,
  { foreignHmacKey, ownAudience }: TokenSettings,
): VerificationKeys {
  // Who holds a shared secret could otherwise mint an administrator.
  if (foreignHmacKey?.audience === ownAudience) {
    throw new StartRefused("HS256 is for a foreign audience, never for Gatehouse's own");
  }
  let published: readonly VerificationKey[] | undefined;
  let byId: ReadonlyMap<string, TokenVerifyingKey> = new Map();

  /** Importing a key costs more than verifying with it, so it is done when the list of the home changes. */
  function current(): ReadonlyMap<string, TokenVerifyingKey> {
    const latest = signer.verificationKeys();
    if (latest === published) return byId;
    const entries = latest.map((key): [string, TokenVerifyingKey] => [key.kid, asymmetric(key)]);
    if (foreignHmacKey !== undefined) entries.push([hmacKeyId(foreignHmacKey.audience), shared(foreignHmacKey)]);
    byId = new Map(entries);
    published = latest;
    return byId;
  }

  return {
    find: (kid) => current().get(kid),
    compromised: (kid) => signer.compromised(kid),
    lookAgain: () => signer.lookAgain(),
  };
}
