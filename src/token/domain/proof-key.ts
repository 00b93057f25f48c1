// The public key inside a DPoP proof (RFC 9449 section 4.2): a stranger's, so it is built member by member and held to the same
// strength as any other (RFC 8725 section 3.4).
import { createPublicKey, hash, type JsonWebKey, type KeyObject } from "node:crypto";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import type { JsonObject } from "./strict-json.ts";

export interface ProofKey {
  readonly key: KeyObject;
  /** RFC 7638. */
  readonly thumbprint: string;
}

/** RFC 7518 section 6, RFC 8037 section 2. */
const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const leastModulusBits = 2048;
/** Verifying costs more with each bit, and strangers choose the key. */
const mostModulusBits = 4096;

const text = (value: unknown): value is string => typeof value === "string";

/** In the order of RFC 7638 section 3.2, so that the thumbprint is over its text. */
function membersFor(algorithm: SignatureAlgorithm, jwk: JsonObject): JsonWebKey | undefined {
  const { kty, crv, x, y, e, n } = jwk;
  if (algorithm === "ES256")
    return kty === "EC" && crv === "P-256" && text(x) && text(y) ? { crv, kty, x, y } : undefined;
  if (algorithm === "EdDSA") return kty === "OKP" && crv === "Ed25519" && text(x) ? { crv, kty, x } : undefined;
  return kty === "RSA" && text(e) && text(n) ? { e, kty, n } : undefined;
}

function isStrong(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== "rsa") return true;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  const sound = publicExponent >= 65_537n && publicExponent % 2n === 1n && publicExponent < 1n << 32n;
  return modulusLength >= leastModulusBits && modulusLength <= mostModulusBits && sound;
}

/** RFC 7517 sections 4.2 to 4.4: what the key says of itself must fit. */
function isForSigning({ use, key_ops: operations, alg }: JsonObject, algorithm: SignatureAlgorithm): boolean {
  if (use !== undefined && use !== "sig") return false;
  if (alg !== undefined && alg !== algorithm) return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes("verify"));
}

/** Node refuses points that are not on their curve. */
function understood(members: JsonWebKey): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: members, format: "jwk" });
    const same = key.export({ format: "jwk" });
    // Another spelling of the same number would be another thumbprint of the same key.
    return Object.entries(members).every(([name, value]) => same[name] === value) ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined unless it is a public key that may sign by the algorithm. */
export function readProofKey(jwk: unknown, algorithm: SignatureAlgorithm): ProofKey | undefined {
  if (typeof jwk !== "object" || jwk === null || Array.isArray(jwk)) return undefined;
  const offered = jwk as JsonObject;
  if (privateMembers.some((name) => Object.hasOwn(offered, name)) || !isForSigning(offered, algorithm))
    return undefined;
  const members = membersFor(algorithm, offered);
  const key = members && understood(members);
  if (key === undefined || !isStrong(key)) return undefined;
  return { key, thumbprint: hash("sha256", JSON.stringify(members), "base64url") };
}
