// How WebCrypto names the JWS algorithms, for whoever signs and whoever verifies.
import type { webcrypto } from "node:crypto";
import type { SignatureAlgorithm } from "./sealing.ts";

type Scheme = webcrypto.EcKeyImportParams & webcrypto.EcdsaParams & webcrypto.RsaPssParams;

/** RFC 7518 sections 3.3 to 3.5, RFC 8037: ECDSA as R||S, PSS with a salt as long as the hash. */
export const signatureSchemes: Readonly<Record<SignatureAlgorithm, Partial<Scheme> & { readonly name: string }>> = {
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 },
};
