// Public JSON Web Keys: the members that may be published, the RFC 7638 thumbprint that serves as kid, and the
// strength that a key must have before it signs or verifies anything.
import { createPublicKey, hash, type KeyObject } from "node:crypto";
import type { SignatureAlgorithm } from "../kernel/sealing.ts";
import type { Jwk } from "./ports.ts";

/** Built member by member, never by removing private members from a private key. */
export type PublicJwk =
  | { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string }
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string }
  | { readonly kty: "RSA"; readonly n: string; readonly e: string };

/** The policy floor; RFC 7518 section 3.3 would let 2048 pass. */
export const rsaModulusBits = 3072;

function thumbprintInput(jwk: PublicJwk): string {
  // RFC 7638 section 3.2: required members only, in lexicographic order, without white space.
  if (jwk.kty === "EC") return JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y });
  if (jwk.kty === "OKP") return JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x });
  return JSON.stringify({ e: jwk.e, kty: jwk.kty, n: jwk.n });
}

export function thumbprint(jwk: PublicJwk): string {
  return hash("sha256", thumbprintInput(jwk), "base64url");
}

/** The public half of `key`, or undefined when it is no key that Gatehouse signs with. */
export function publicJwk(key: KeyObject): PublicJwk | undefined {
  const { kty, crv, x, y, n, e } = key.export({ format: "jwk" });
  if (kty === "EC" && crv === "P-256" && x !== undefined && y !== undefined) return { kty, crv, x, y };
  if (kty === "OKP" && crv === "Ed25519" && x !== undefined) return { kty, crv, x };
  if (kty === "RSA" && n !== undefined && e !== undefined) return { kty, n, e };
  return undefined;
}

/** Of public members as they are stored. Throws when they are no key that Gatehouse signs with. */
export function thumbprintOf(jwk: Jwk): string {
  const members = publicJwk(createPublicKey({ key: { ...jwk }, format: "jwk" }));
  if (members === undefined) throw new Error("not the public half of a signing key");
  return thumbprint(members);
}

function rsaIsStrong(key: KeyObject): boolean {
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  return (modulusLength ?? 0) >= rsaModulusBits && (publicExponent ?? 0n) >= 65537n;
}

/** True when `key` is of the kind and the strength that `algorithm` demands (RFC 7518 sections 3.3 and 3.4, RFC 8037). */
export function suits(algorithm: SignatureAlgorithm, key: KeyObject): boolean {
  if (algorithm === "ES256")
    return key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1";
  if (algorithm === "EdDSA") return key.asymmetricKeyType === "ed25519";
  return key.asymmetricKeyType === "rsa" && rsaIsStrong(key);
}
