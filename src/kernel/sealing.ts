// What slices need of the keys, in words of what they protect. Which keys there are, where they live and how they turn
// over is the business of src/keys.
import type { Transaction } from "./database.ts";
import type { Secret } from "./secret.ts";

/**
 * What a sealed value belongs to; part of the additional authenticated data together with the installation, so that a
 * value opens nowhere else. `kind` names the column, such as `person.profile`; `id` the row; `version` where rows have one.
 */
export interface Binding {
  readonly kind: string;
  readonly id: string;
  readonly version?: number;
}

/** Purposes of the installation's own data keys. Each is independent of the others. */
export type SealPurpose = "pepper" | "audit-details" | "request-record" | "page-token";
export type MacPurpose = "token-hash" | "refresh-token" | "blind-index" | "request-fingerprint" | "limit-key";

/** Seals under the installation's data key of a purpose, held in memory. */
export interface InstallationSealer {
  /** The key version in force; it is also inside the sealed bytes. */
  currentVersion(purpose: SealPurpose): number;
  seal(purpose: SealPurpose, binding: Binding, plaintext: Uint8Array): Buffer;
  /** Throws DATA_CORRUPT, the same whatever is wrong. */
  open(purpose: SealPurpose, binding: Binding, sealed: Uint8Array): Buffer;
}

export interface Mac {
  readonly version: number;
  readonly value: Buffer;
}

/** Keyed hashes (HMAC-SHA-256) under the installation's data key of a purpose, held in memory. */
export interface Macs {
  /** Under the current version, or under `version`. Parts are joined unambiguously. Throws DATA_CORRUPT for an unknown version. */
  mac(purpose: MacPurpose, parts: readonly (string | Uint8Array)[], version?: number): Mac;
  /** Under every version that can still be in use, the newest first. */
  candidates(purpose: MacPurpose, parts: readonly (string | Uint8Array)[]): readonly Mac[];
  /** In constant time; false for an unknown version. */
  matches(purpose: MacPurpose, parts: readonly (string | Uint8Array)[], expected: Mac): boolean;
}

/** A value under a data key of its own, and that key wrapped by the key home. */
export interface SealedValue {
  readonly sealed: Buffer;
  readonly wrappedKey: Buffer;
  readonly kekId: string;
  readonly kekVersion: number;
}

export interface ValueSealer {
  /** Errors: KEYS_UNAVAILABLE. */
  seal(binding: Binding, plaintext: Uint8Array): Promise<SealedValue>;
  /** Errors: KEYS_UNAVAILABLE; DATA_CORRUPT, the same whatever is wrong. */
  open(binding: Binding, value: SealedValue): Promise<Buffer>;
}

/** A new subject's key, made and wrapped but not yet stored. */
export interface PreparedSubjectKey {
  seal(binding: Binding, plaintext: Uint8Array): Buffer;
  /** Must run in the transaction that stores the first data sealed under the key. */
  store(tx: Transaction): Promise<void>;
}

/** Seals personal data under the key of its subject. Erasing the key erases the data, wherever a copy of it lies. */
export interface SubjectKeys {
  /** For a principal that is being made. Errors: KEYS_UNAVAILABLE. */
  prepare(principalId: string): Promise<PreparedSubjectKey>;
  /**
   * `undefined` as subject = nobody is known: the key of the month, made when missing. Answers the subject whose key was used.
   * Throws PRINCIPAL_NOT_FOUND when the subject has no key (never had, or erased).
   */
  seal(
    principalId: string | undefined,
    binding: Binding,
    plaintext: Uint8Array,
  ): Promise<{ readonly subject: string; readonly sealed: Buffer }>;
  /** Undefined when the key was erased. Throws DATA_CORRUPT, the same whatever is wrong. */
  open(subject: string, binding: Binding, sealed: Uint8Array): Promise<Buffer | undefined>;
}

/** What a page token must agree with to be taken. */
export interface PageScope {
  readonly method: string;
  readonly principalId: string;
  /** The request without page size and page token, in canonical form. */
  readonly filter: string;
}

/** Sealed page tokens (AIP-158), good for one hour. */
export interface PageTokens {
  seal(scope: PageScope, position: string, now: Date): string;
  /** Where the page starts; undefined for the empty token. Throws PAGE_TOKEN_INVALID. */
  open(scope: PageScope, token: string, now: Date): string | undefined;
}

export type SignatureAlgorithm = "ES256" | "EdDSA" | "RS256" | "PS256";

/** A public key that verifies what the signer signed. Public members only (RFC 7517). */
export interface VerificationKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly algorithm: SignatureAlgorithm;
  readonly jwk: Readonly<Record<string, string>>;
}

/** Signs tokens. Private keys never leave the key home. */
export interface TokenSigner {
  /** The key that signs now, of `algorithm` or of the installation's own. Throws KEYS_UNAVAILABLE when there is none. */
  current(algorithm?: SignatureAlgorithm): VerificationKey;
  /**
   * Resolves when `current` answers: makes the first key of an algorithm that has none, and waits out the moment between
   * a compromise and its replacement. Costs nothing when there is a key. Errors: KEYS_UNAVAILABLE, DATABASE_UNAVAILABLE.
   */
  ready(algorithm?: SignatureAlgorithm): Promise<void>;
  /**
   * Every key that may have signed a live token, and those that will sign soon. The same list until something changes;
   * a compromised key is on it no more.
   */
  verificationKeys(): readonly VerificationKey[];
  /** True when everything that the key signed is dead. */
  compromised(kid: string): boolean;
  /** Looks whether other replicas made keys that are not known here; at most once a second, however often it is asked. */
  lookAgain(): Promise<void>;
  /** JWS signature (RFC 7515 form: raw R||S for ECDSA) of the signing input by the current key of `kid`. Errors: KEYS_UNAVAILABLE. */
  sign(kid: string, signingInput: Uint8Array): Promise<Buffer>;
}

/** The shared secret of a foreign audience that must keep HS256; never in the JWKS. */
export interface ForeignHmacKey {
  readonly audience: string;
  readonly key: Secret<Buffer>;
}
