// The reasons that Gatehouse gives for an error, and the few that arise in this process. A newer server may give more.

/** As in docs/errors.md; a test keeps the list in step with the server's table. */
export const serverReasons = [
  "CREDENTIAL_MISSING",
  "CREDENTIAL_INVALID",
  "LOGIN_FAILED",
  "BOOTSTRAP_REFUSED",
  "PERMISSION_DENIED",
  "SCOPE_MISSING",
  "REGISTRATION_CLOSED",
  "INVITATION_INVALID",
  "LOGIN_NAME_TAKEN",
  "PASSWORD_UNACCEPTABLE",
  "SESSION_NOT_FOUND",
  "GRANT_NOT_FOUND",
  "GRANT_EXISTS",
  "GRANT_EXCEEDS_OWN",
  "LAST_ADMINISTRATOR",
  "ROLE_UNKNOWN",
  "PRINCIPAL_NOT_FOUND",
  "LOGIN_BUSY",
  "TOKEN_MALFORMED",
  "TOKEN_SIGNATURE_INVALID",
  "TOKEN_EXPIRED",
  "TOKEN_REVOKED",
  "TOKEN_WRONG_AUDIENCE",
  "TOKEN_WRONG_KIND",
  "TOKEN_WRONG_ISSUER",
  "TOKEN_NOT_YET_VALID",
  "REFRESH_TOKEN_INVALID",
  "SCOPE_EXCEEDS_GRANT",
  "AUDIENCE_UNKNOWN",
  "SECRET_NOT_FOUND",
  "SECRET_VERSION_DELETED",
  "SECRET_VERSION_DESTROYED",
  "SECRET_VERSION_CONFLICT",
  "SECRET_EXPIRED",
  "SECRET_TOO_LARGE",
  "SECRET_VERSIONS_EXHAUSTED",
  "EVENT_NOT_FOUND",
  "AUDIT_UNAVAILABLE",
  "EVENT_TOO_LARGE",
  "REQUEST_INVALID",
  "REQUEST_MALFORMED",
  "REQUEST_TOO_LARGE",
  "REQUEST_ID_REUSED",
  "REQUEST_IN_PROGRESS",
  "PAGE_TOKEN_INVALID",
  "METHOD_UNKNOWN",
  "RATE_LIMITED",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "DATABASE_UNAVAILABLE",
  "OUTCOME_UNKNOWN",
  "KEYS_UNAVAILABLE",
  "DATA_CORRUPT",
  "DRAINING",
  "INTERNAL",
  "METADATA_INVALID",
  "SERVICE_UNKNOWN",
] as const;

export type ServerReason = (typeof serverReasons)[number];

/**
 * Reasons given by no server: it could not be reached; what it said is not Gatehouse's (a proxy between answered, or
 * something else listens there); the client was closed.
 */
export type LocalReason = "UNREACHABLE" | "UNKNOWN" | "CLIENT_CLOSED";

export type Reason = ServerReason | LocalReason;
