// What the Auth slice needs of hashing, apart from how it is done. Both are slow on purpose and run off the main thread.

import type { StrengthEstimate } from "./domain/password-policy.ts";
import type { Argon2Cost } from "./domain/phc.ts";

/**
 * Passwords are hashed and checked here and nowhere else; each call is one hashing, so counting calls counts work.
 *
 * Failure: LOGIN_BUSY with retryAfterMs when too many wait already; the reason of the abort when `signal` aborts before
 * the work began; DRAINING once closed; INTERNAL when the worker died under it. Nothing is ever stored here.
 */
export interface PasswordHasher {
  /** What a hash made now costs. */
  readonly cost: Argon2Cost;
  /** PHC string of an argon2id hash with a fresh salt. The password is in its canonical form. */
  hash(password: string, signal: AbortSignal): Promise<string>;
  /** Whether `phc` is of this password. `phc` was parsed within bounds before. */
  verify(phc: string, password: string, signal: AbortSignal): Promise<boolean>;
}

/** Failure: as PasswordHasher. */
export interface StrengthEstimator {
  /** `words` are what a guesser knows of the person. */
  estimate(password: string, words: readonly string[], signal: AbortSignal): Promise<StrengthEstimate>;
}
