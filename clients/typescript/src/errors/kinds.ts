// What callers branch on most often, as classes. Everything else is told apart by `reason`.
import { type ErrorParts, GatehouseError } from "./gatehouse-error.ts";

/** Something is wrong with a token. */
export class TokenError extends GatehouseError {
  static override readonly kind: string = "TokenError";
}

/** The token is not accepted, or is missing. */
export class InvalidToken extends TokenError {
  static override readonly kind: string = "InvalidToken";
}

/** The token was good once and has expired. Told only to those who may know. */
export class ExpiredToken extends TokenError {
  static override readonly kind: string = "ExpiredToken";
}

/** The token was revoked. Told only to those who may know. */
export class RevokedToken extends TokenError {
  static override readonly kind: string = "RevokedToken";
}

/** Who asks is not let in, or not that far. */
export class AuthError extends GatehouseError {
  static override readonly kind: string = "AuthError";
}

/** Login name, password, one-time token or client secret is wrong; which of them is not said. */
export class InvalidCredentials extends AuthError {
  static override readonly kind: string = "InvalidCredentials";
}

/** The caller lacks a permission, or the resource does not exist. `metadata.permission` names it. */
export class PermissionDenied extends AuthError {
  static override readonly kind: string = "PermissionDenied";
}

/** The request is wrong; `violations` says where. */
export class ValidationError extends GatehouseError {
  static override readonly kind: string = "ValidationError";
}

/** Too many calls; wait for `retryAfterMs`. */
export class RateLimited extends GatehouseError {
  static override readonly kind: string = "RateLimited";
}

/** Check-and-set lost: read again and decide anew. */
export class VersionConflict extends GatehouseError {
  static override readonly kind: string = "VersionConflict";
}

/**
 * The server, or what it needs, does not answer. With a reason of the server's, nothing was done; with `UNREACHABLE` the
 * connection failed, perhaps after the request had arrived, so a write may have been done.
 */
export class Unavailable extends GatehouseError {
  static override readonly kind: string = "Unavailable";
}

/**
 * Whether it was done is not known. Where the request has a `request_id`, repeat it with the same one (`requestId`) to
 * learn the outcome; otherwise look before repeating.
 */
export class OutcomeUnknown extends GatehouseError {
  static override readonly kind: string = "OutcomeUnknown";
}

type ErrorClass = new (parts: ErrorParts) => GatehouseError;

const byReason: Readonly<Record<string, ErrorClass>> = {
  CREDENTIAL_MISSING: InvalidToken,
  CREDENTIAL_INVALID: InvalidToken,
  TOKEN_MALFORMED: InvalidToken,
  TOKEN_SIGNATURE_INVALID: InvalidToken,
  TOKEN_WRONG_AUDIENCE: InvalidToken,
  TOKEN_WRONG_KIND: InvalidToken,
  TOKEN_WRONG_ISSUER: InvalidToken,
  TOKEN_NOT_YET_VALID: InvalidToken,
  REFRESH_TOKEN_INVALID: InvalidToken,
  TOKEN_EXPIRED: ExpiredToken,
  TOKEN_REVOKED: RevokedToken,
  LOGIN_FAILED: InvalidCredentials,
  CLIENT_INVALID: InvalidCredentials,
  BOOTSTRAP_REFUSED: InvalidCredentials,
  RATE_LIMITED: RateLimited,
  LOGIN_BUSY: RateLimited,
  CONCURRENCY_LIMITED: RateLimited,
  SECRET_VERSION_CONFLICT: VersionConflict,
  OUTCOME_UNKNOWN: OutcomeUnknown,
};

/** For reasons not named above, those of newer servers among them. */
const byGrpcCode: Readonly<Record<number, ErrorClass>> = {
  3: ValidationError,
  7: PermissionDenied,
  14: Unavailable,
  16: InvalidToken,
};

export function makeError(parts: ErrorParts): GatehouseError {
  const named = Object.hasOwn(byReason, parts.reason) ? byReason[parts.reason] : undefined;
  const Class = named ?? byGrpcCode[parts.grpcCode] ?? GatehouseError;
  return new Class(parts);
}
