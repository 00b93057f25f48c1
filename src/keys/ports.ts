// What a key home offers, and what its keys need of the database. Two homes stand behind these ports: `local` (a sealed
// file) and `vault` (Transit). What slices see of the keys is in kernel/sealing.ts.
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
 * The key home answered, and the answer is no: forbidden, a credential that is taken no more, a key that is gone, a wrong mount.
 * Callers are told KEYS_UNAVAILABLE as well, but nothing goes on from memory: whoever took the right away meant it.
 */
export class KeyHomeRefused extends Error {
  override readonly name = "KeyHomeRefused";
}

/**
 * States of SP 800-57 part 1 section 7 that a key can have here. `active` protects and processes; `deactivated` processes
 * what it protected before (opens, verifies) and protects nothing new; `destroyed` does nothing and never comes back.
 */
export type KeyState = "active" | "deactivated" | "destroyed";

/** The public members of a key (RFC 7517), and nothing else. */
export type Jwk = VerificationKey["jwk"];

/** A signing key as it is stored: its public half, and what the home needs to find or open the private one. */
export interface HomeSigningKey {
  readonly algorithm: SignatureAlgorithm;
  /** kty and its public members, canonical; without kid, alg and use, which the ring adds. */
  readonly jwk: Jwk;
  /** The home's own words (vault: name and version of the Transit key; local: the wrapped private key). Text of at most 16 KiB. */
  readonly handle: string;
}

/**
 * Where private signing keys live. It knows nothing of the life of a key: when one signs, and for how long it verifies,
 * is told by the rows in Postgres (src/keys/signing).
 *
 * Failure: every method throws KeyHomeUnavailable when the home does not answer, KeyHomeRefused when it says no; nothing was
 * signed or destroyed then as far as is known, and the same call may be made again.
 */
export interface SigningKeyHome {
  readonly name: "local" | "vault";
  /**
   * Durable in the home before it answers. Vault: the Transit key is named after installation, algorithm and number, so
   * that two replicas that race make the same one. Local: a fresh key, wrapped in the handle; who stores its row first wins.
   */
  generate(algorithm: SignatureAlgorithm, number: number): Promise<HomeSigningKey>;
  /** JWS form (raw R||S for ECDSA). Throws anything but KeyHomeUnavailable when the handle names no key of this home. */
  sign(key: HomeSigningKey, signingInput: Uint8Array): Promise<Buffer>;
  /** For ever. Idempotent. */
  destroy(key: HomeSigningKey): Promise<void>;
}

/** A key from the time when a home kept signing keys by itself, to be taken over into the database. */
export interface FormerSigningKey {
  readonly key: HomeSigningKey;
  readonly createdAt: Date;
  /** False = it verified, and signed no more. */
  readonly signs: boolean;
}

/** States of SP 800-57 part 1 section 7 that a signing key can have. Told by the row and the instant alone: nothing flips them. */
export type SigningKeyState = "pre_activation" | "active" | "deactivated" | "compromised" | "destroyed";

/** What is known of a signing key, but for the key. */
export interface SigningKeyFacts {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly algorithm: SignatureAlgorithm;
  /** Counts the keys of the algorithm. */
  readonly number: number;
  readonly home: SigningKeyHome["name"];
  readonly createdAt: Date;
  /** From here on it signs; it is published from the moment it exists. */
  readonly activatesAt: Date;
  /** From here on another signs; undefined = no successor has been made. */
  readonly deactivatesAt: Date | undefined;
  /** When the last token that it signed has expired; set together with `deactivatesAt`. */
  readonly verifiesUntil: Date | undefined;
  readonly compromisedAt: Date | undefined;
  readonly destroyedAt: Date | undefined;
}

export interface KeyReplacement {
  /** The key that signs next, or already does; undefined = there is none yet, because the home does not answer. */
  readonly successor: SigningKeyFacts | undefined;
  /** False when it was there already: made by another replica at the same time, or by an earlier call. */
  readonly made: boolean;
}

export interface Compromise extends KeyReplacement {
  readonly key: SigningKeyFacts;
  /** False when it was known before. */
  readonly news: boolean;
}

/** A change that has what it needs of the home; what is left is the database's. May run again in a retried transaction. */
export interface PreparedKeyChange<T> {
  store(tx: Transaction): Promise<T>;
}

/** The life of signing keys, for whoever manages them. Offered by the keys to Token. */
export interface SigningKeys extends TokenSigner {
  stateOf(key: SigningKeyFacts, now: Date): SigningKeyState;
  /** In the order of their algorithms, the newest first; `after` is an algorithm and a number. Errors: DATABASE_UNAVAILABLE. */
  list(
    after: { readonly algorithm: string; readonly number: number } | undefined,
    limit: number,
  ): Promise<readonly SigningKeyFacts[]>;
  /**
   * A successor that is published now and signs after the lead; while there is one, that one. Default: the installation's
   * algorithm. Two that rotate at once make one key. Errors: KEYS_UNAVAILABLE, DATABASE_UNAVAILABLE.
   */
  prepareRotation(algorithm: SignatureAlgorithm | undefined, now: Date): Promise<PreparedKeyChange<KeyReplacement>>;
  /**
   * What the key signed is dead with the commit, and another key signs at once. Works without the home, too: then nothing
   * signs until it answers. Errors: SIGNING_KEY_NOT_FOUND, SIGNING_KEY_DESTROYED, DATABASE_UNAVAILABLE.
   */
  prepareCompromise(kid: string, now: Date): Promise<PreparedKeyChange<Compromise>>;
  /** After a commit: waits until this process knows what it changed. */
  caughtUp(): Promise<void>;
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
 * not answer, KeyHomeRefused when it says no; then nothing is known of any item.
 */
export interface KeyWrapper {
  /** Fresh keys from a CSPRNG, wrapped under the current version. The caller erases the plaintexts. */
  generateDataKeys(contexts: readonly Buffer[]): Promise<readonly GeneratedDataKey[]>;
  /** Wraps keys that exist already, under the current version. For moving them to a new version or home. */
  wrap(items: readonly { readonly dataKey: Buffer; readonly context: Buffer }[]): Promise<readonly WrappedKey[]>;
  /** Undefined for an item that does not open, whatever is wrong with it. */
  unwrap(items: readonly UnwrapItem[]): Promise<readonly (Buffer | undefined)[]>;
}

/** A wrapped key where it is stored. */
export interface WrappedRow extends UnwrapItem {
  /** Its primary key. */
  readonly at: readonly (string | number)[];
}

interface MovableRows<R> {
  readonly name: string;
  /** Rows whose wrapping key's id begins with `home`, each once, a page at a time; those that change meanwhile may come or not. */
  pages(home: string): AsyncIterable<readonly R[]>;
  /** Leaves alone what is not as it was read. */
  replace(
    tx: Transaction,
    rows: readonly Pick<WrappedRow, "at" | "wrapped">[],
    keys: readonly WrappedKey[],
  ): Promise<void>;
}

/** A table of wrapped keys that can be moved to another home. */
export type WrappedRows = MovableRows<WrappedRow>;

/** The same for keys of values (ValueSealer), which a slice stores beside them and tells the places of. */
export type WrappedValueRows = MovableRows<Omit<WrappedRow, "context"> & { readonly binding: Binding }>;

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
   * are stored. At once when the key is held.
   */
  sealerFor(principalId: string | undefined): SubjectSealer | Promise<SubjectSealer>;
}

/** Look-up values for text that must be found again but not read: HMAC-SHA-256 over the normalised text, per field. */
export interface BlindIndex {
  /** Under the current version; store the version beside the value. */
  of(field: string, text: string): { readonly version: number; readonly value: Buffer };
  /** Under every version that may still be stored, the current one first. */
  candidates(field: string, text: string): readonly Buffer[];
}
