// What a key home offers, and what its keys need of the database. Two homes stand behind these ports: `local` (a sealed
// file) and, later, `vault` (Transit). What slices see of the keys is in kernel/sealing.ts.
import type { Transaction } from "../kernel/database.ts";
import type { Binding, SignatureAlgorithm, SubjectKeys, TokenSigner, VerificationKey } from "../kernel/sealing.ts";

/**
 * The key home did not answer: network, time-out, sealed, overloaded. The only failure that lets a cached data key live
 * on past its age. A home that answers "no" throws something else.
 */
export class KeyHomeUnavailable extends Error {
  override readonly name = "KeyHomeUnavailable";
}

/**
 * States of SP 800-57 part 1 section 7 that a key can have here. `active` protects and processes; `deactivated` processes
 * what it protected before (opens, verifies) and protects nothing new; `destroyed` does nothing and never comes back.
 */
export type KeyState = "active" | "deactivated" | "destroyed";

/**
 * Private keys never leave the home. Key lists are what the home last said; they are refreshed behind this port, so
 * that the token path never waits for a listing.
 *
 * Durability: a key is durable in the home before it is listed here, so no signature can outlive the key that verifies
 * it. Failure: `sign` throws GatehouseError KEYS_UNAVAILABLE when the home does not answer; nothing was signed.
 */
export interface Signer extends TokenSigner {
  /** The key that signs now, of `algorithm` or of the default one. Throws when the algorithm is not configured. */
  current(algorithm?: SignatureAlgorithm): VerificationKey;
}

/** A data key as it may be stored: useless without the home, the context, and the right version of the wrapping key. */
export interface WrappedKey {
  /** Which wrapping key of the home. From the record beside the data, never from the ciphertext. */
  readonly kekId: string;
  readonly kekVersion: number;
  readonly ciphertext: Buffer;
}

export interface GeneratedDataKey {
  readonly plaintext: Buffer;
  readonly wrapped: WrappedKey;
}

export interface UnwrapItem {
  readonly wrapped: WrappedKey;
  readonly context: Buffer;
}

/**
 * Wraps 32-byte data keys under a versioned key of the home, each bound to a context: what was wrapped for one context
 * unwraps for no other. Payloads never pass here, so rewrapping under a new version or home never sees them.
 *
 * Every method takes a list, because a remote home answers many as fast as one; answers are in the order asked.
 * Durability: none of its own, the wrapped key is the caller's to store. Failure: KeyHomeUnavailable when the home does
 * not answer, then nothing is known of any item.
 */
export interface KeyWrapper {
  /** Fresh keys from a CSPRNG, wrapped under the current version. The caller erases the plaintexts. */
  generateDataKeys(contexts: readonly Buffer[]): Promise<readonly GeneratedDataKey[]>;
  /** Wraps keys that exist already, under the current version. For moving them to a new version or home. */
  wrap(items: readonly { readonly dataKey: Buffer; readonly context: Buffer }[]): Promise<readonly WrappedKey[]>;
  /** Undefined for an item that does not open, whatever is wrong with it. */
  unwrap(items: readonly UnwrapItem[]): Promise<readonly (Buffer | undefined)[]>;
}

/** One version of the installation's data key of a purpose, as stored. */
export interface DataKeyRow {
  readonly purpose: string;
  readonly version: number;
  readonly wrapped: WrappedKey;
  readonly state: KeyState;
}

export interface DataKeyReader {
  /** Every row, in order of purpose and version. Throws GatehouseError DATABASE_UNAVAILABLE. */
  load(): Promise<readonly DataKeyRow[]>;
}

export interface DataKeyWriter {
  /**
   * Stores all of `rows` in one transaction with their audit record, or none: false when some (purpose, version) was
   * there already, so that replicas which start together agree on the first one's keys. Durable when it resolves true.
   * Throws the unit of work's errors.
   */
  insertIfAbsent(rows: readonly DataKeyRow[]): Promise<boolean>;
}

/** The data key of a subject, as stored. */
export interface SubjectKeyRow {
  readonly subject: string;
  /** Undefined once the key is erased. */
  readonly wrapped: WrappedKey | undefined;
}

export interface SubjectKeyReader {
  /** Undefined = the subject never had a key. Throws GatehouseError DATABASE_UNAVAILABLE. */
  find(subject: string): Promise<SubjectKeyRow | undefined>;
}

export interface SubjectKeyWriter {
  /** In the caller's transaction. False when the subject has a key already; the caller then gives its transaction up. */
  insert(tx: Transaction, subject: string, wrapped: WrappedKey): Promise<boolean>;
  /** In a transaction of its own, with an audit record. False when another was first; nothing was stored then. */
  insertAlone(subject: string, wrapped: WrappedKey): Promise<boolean>;
}

/** Seals under the key of one subject without waiting, for work inside a transaction. Keep it no longer than the call. */
export interface SubjectSealer {
  readonly subject: string;
  seal(binding: Binding, plaintext: Uint8Array): Buffer;
}

export interface SubjectKeyRing extends SubjectKeys {
  /**
   * As `seal` of SubjectKeys, in two steps: everything slow now, the sealing later. Knows keys of `prepare` before they
   * are stored.
   */
  sealerFor(principalId: string | undefined): Promise<SubjectSealer>;
}

/** Look-up values for text that must be found again but not read: HMAC-SHA-256 over the normalised text, per field. */
export interface BlindIndex {
  /** Under the current version; store the version beside the value. */
  of(field: string, text: string): { readonly version: number; readonly value: Buffer };
  /** Under every version that may still be stored, the current one first. */
  candidates(field: string, text: string): readonly Buffer[];
}
