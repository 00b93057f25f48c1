// The public key inside a DPoP proof (RFC 9449 section 4.2): a stranger's, held to the same form and strength as any other
// (RFC 8725 section 3.4).
import type { KeyObject } from "node:crypto";
import { holdsPrivateMember, type ImportedJwk, importPublicJwk, JwkRefused } from "../../kernel/public-jwk.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import type { JsonObject } from "./strict-json.ts";

export interface ProofKey {
  readonly key: KeyObject;
  /** RFC 7638. */
  readonly thumbprint: string;
}

/** Verifying costs more with each bit, and strangers choose the key. */
const mostModulusBits = 4096;

/** RFC 7517 sections 4.2 to 4.4: what the key says of itself must fit. */
function isForSigning({ use, key_ops: operations, alg }: JsonObject, algorithm: SignatureAlgorithm): boolean {
  if (use !== undefined && use !== "sig") return false;
  if (alg !== undefined && alg !== algorithm) return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes("verify"));
}

/** By its members alone: a proof names no key by its `kid`. */
function imported({ kty, crv, x, y, e, n }: JsonObject, algorithm: SignatureAlgorithm): ImportedJwk | undefined {
  try {
    return importPublicJwk({ kty, crv, x, y, e, n }, { use: "sig", algorithms: [algorithm] });
  } catch (error) {
    if (error instanceof JwkRefused) return undefined;
    throw error;
  }
}

/** Undefined unless it is a public key that may sign by the algorithm. */
export function readProofKey(jwk: unknown, algorithm: SignatureAlgorithm): ProofKey | undefined {
  if (typeof jwk !== "object" || jwk === null || Array.isArray(jwk)) return undefined;
  const offered = jwk as JsonObject;
  if (holdsPrivateMember(offered) || !isForSigning(offered, algorithm)) return undefined;
  const read = imported(offered, algorithm);
  if (read === undefined || (read.key.asymmetricKeyDetails?.modulusLength ?? 0) > mostModulusBits) return undefined;
  return { key: read.key, thumbprint: read.thumbprint };
}
