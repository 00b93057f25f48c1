// The JWS algorithms in Transit's words, and how one signature of theirs is checked here (RFC 7518 section 3, RFC 8037).
import { constants, createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import type { TransitKeyType } from "./transit.ts";

export interface TransitScheme {
  readonly type: TransitKeyType;
  /** Of the body of a call to `sign`. */
  readonly parameters: object;
  /** What Transit is given: the digest, so that no token passes through Vault and its audit log; Ed25519 takes the whole. */
  input(signingInput: Uint8Array): string;
  verifies(key: KeyObject, signingInput: Uint8Array, signature: Buffer): boolean;
}

function digest(signingInput: Uint8Array): string {
  return hash("sha256", signingInput, "base64");
}

const sha256 = { prehashed: true, hash_algorithm: "sha2-256" };

/** Transit's own defaults would be PSS with the longest salt there is, and ASN.1: neither is JWS. */
export const transitSchemes: Readonly<Record<SignatureAlgorithm, TransitScheme>> = {
  ES256: {
    type: "ecdsa-p256",
    parameters: { ...sha256, marshaling_algorithm: "jws" },
    input: digest,
    verifies: (key, input, signature) => verify("sha256", input, { key, dsaEncoding: "ieee-p1363" }, signature),
  },
  EdDSA: {
    type: "ed25519",
    parameters: {},
    input: (signingInput) => Buffer.from(signingInput).toString("base64"),
    verifies: (key, input, signature) => verify(null, input, key, signature),
  },
  RS256: {
    type: "rsa-3072",
    parameters: { ...sha256, signature_algorithm: "pkcs1v15" },
    input: digest,
    verifies: (key, input, signature) => verify("sha256", input, key, signature),
  },
  PS256: {
    type: "rsa-3072",
    parameters: { ...sha256, signature_algorithm: "pss", salt_length: "hash" },
    input: digest,
    verifies: (key, input, signature) =>
      verify("sha256", input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature),
  },
};

/** Bytes of a signature by `key`: 64, or as many as the modulus has. */
export function signatureBytes(key: KeyObject): number {
  return (key.asymmetricKeyDetails?.modulusLength ?? 512) / 8;
}

const ed25519Prefix = Buffer.from("302a300506032b6570032100", "hex");

/** Transit shows PEM, but for Ed25519 the 32 bytes alone. Undefined = it is none of these. */
export function importPublicKey(shown: string): KeyObject | undefined {
  try {
    if (shown.startsWith("-----")) return createPublicKey(shown);
    const der = Buffer.concat([ed25519Prefix, Buffer.from(shown, "base64")]);
    return createPublicKey({ key: der, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}
