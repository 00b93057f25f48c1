// Reasons of the Auth area: credentials, people, grants.
import type { ErrorEntry } from "./entry.ts";

export const authReasons = {
  CREDENTIAL_MISSING: {
    code: "UNAUTHENTICATED",
    id: "SEC-AUTH-001",
    message: "a credential is required",
    remedy: "Send `authorization: Bearer <access token>`.",
  },
  CREDENTIAL_INVALID: {
    code: "UNAUTHENTICATED",
    id: "SEC-AUTH-002",
    message: "the credential is not accepted",
    remedy: "Log in or refresh, then call again with the new access token.",
  },
  LOGIN_FAILED: {
    code: "UNAUTHENTICATED",
    id: "SEC-AUTH-003",
    message: "login name or password is not accepted",
    remedy: "Check both; the answer is the same whichever is wrong.",
  },
  BOOTSTRAP_REFUSED: {
    code: "UNAUTHENTICATED",
    id: "SEC-AUTH-004",
    message: "the bootstrap token is not accepted",
    remedy:
      "It works once and for one hour. Restart to get a new one, or run `gatehouse admin recover` when an administrator exists.",
  },
  PERMISSION_DENIED: {
    code: "PERMISSION_DENIED",
    id: "SEC-AUTH-005",
    message: "permission denied on the resource, or it does not exist",
    remedy: "Ask an administrator for a grant of the permission named in the metadata.",
  },
  SCOPE_MISSING: {
    code: "PERMISSION_DENIED",
    id: "SEC-AUTH-006",
    message: "the token is narrowed and lacks the scope",
    remedy: "Use a token whose scopes include the permission named in the metadata.",
  },
  REGISTRATION_CLOSED: {
    code: "PERMISSION_DENIED",
    id: "SEC-AUTH-007",
    message: "registration is closed",
    remedy: "Ask an administrator for an invitation, or set GATEHOUSE_REGISTRATION.",
  },
  INVITATION_INVALID: {
    code: "PERMISSION_DENIED",
    id: "SEC-AUTH-008",
    message: "the invitation is not accepted",
    remedy: "Invitations work once and expire; ask for a new one.",
  },
  LOGIN_NAME_TAKEN: {
    code: "ALREADY_EXISTS",
    id: "SEC-AUTH-009",
    message: "the login name is taken",
    remedy: "Choose another login name.",
  },
  PASSWORD_UNACCEPTABLE: {
    code: "INVALID_ARGUMENT",
    id: "SEC-AUTH-010",
    message: "the password is not acceptable",
    remedy: "See the field violations for why; choose a longer or less common one.",
  },
  SESSION_NOT_FOUND: {
    code: "NOT_FOUND",
    id: "SEC-AUTH-011",
    message: "no such session",
    remedy: "List the sessions; it may have ended already.",
  },
  GRANT_NOT_FOUND: {
    code: "NOT_FOUND",
    id: "SEC-AUTH-012",
    message: "no such grant",
    remedy: "List the grants; it may have been deleted already.",
  },
  GRANT_EXISTS: {
    code: "ALREADY_EXISTS",
    id: "SEC-AUTH-013",
    message: "the principal already has this grant",
    remedy: "Delete the grant first to change its expiry.",
  },
  GRANT_EXCEEDS_OWN: {
    code: "PERMISSION_DENIED",
    id: "SEC-AUTH-014",
    message: "nobody can grant what they lack",
    remedy: "Ask someone who holds every permission of the role on the resource.",
  },
  LAST_ADMINISTRATOR: {
    code: "FAILED_PRECONDITION",
    id: "SEC-AUTH-015",
    message: "the last administrator stays",
    remedy: "Make another principal administrator first.",
  },
  ROLE_UNKNOWN: {
    code: "INVALID_ARGUMENT",
    id: "SEC-AUTH-016",
    message: "no such role",
    remedy: "Use one of the roles listed in the documentation of GrantService.",
  },
  PRINCIPAL_NOT_FOUND: {
    code: "NOT_FOUND",
    id: "SEC-AUTH-017",
    message: "no such principal",
    remedy: "Check the principal id.",
  },
  LOGIN_BUSY: {
    code: "RESOURCE_EXHAUSTED",
    id: "SEC-AUTH-018",
    message: "too many logins at once",
    remedy: "Wait for the time in RetryInfo, then try again.",
  },
  STEP_UP_REQUIRED: {
    code: "UNAUTHENTICATED",
    id: "SEC-AUTH-019",
    message: "a more recent authentication is required",
    remedy: "Log in again, then call with the new access token; a refreshed one keeps the time of its login.",
  },
  NETWORK_NOT_ALLOWED: {
    code: "PERMISSION_DENIED",
    id: "SEC-AUTH-020",
    message: "the method is not allowed from this network",
    remedy: "Call from a network of GATEHOUSE_ADMIN_NETWORKS.",
  },
  ROLE_NOT_FOUND: {
    code: "NOT_FOUND",
    id: "SEC-AUTH-021",
    message: "no such role",
    remedy: "List the roles; it may have been deleted already.",
  },
  ROLE_EXISTS: {
    code: "ALREADY_EXISTS",
    id: "SEC-AUTH-022",
    message: "a role of this name exists",
    remedy: "Choose another name, or update the role that exists.",
  },
  ROLE_IN_USE: {
    code: "FAILED_PRECONDITION",
    id: "SEC-AUTH-023",
    message: "the role is granted to somebody",
    remedy: "Delete every grant of the role first.",
  },
  ROLE_BUILT_IN: {
    code: "FAILED_PRECONDITION",
    id: "SEC-AUTH-024",
    message: "built-in roles never change",
    remedy: "Make a role of your own.",
  },
  ROLE_EXCEEDS_OWN: {
    code: "PERMISSION_DENIED",
    id: "SEC-AUTH-025",
    message: "nobody can put into a role what they lack",
    remedy: "Ask someone who holds every permission of the role wherever the role is granted.",
  },
  ROLE_LIMIT_REACHED: {
    code: "RESOURCE_EXHAUSTED",
    id: "SEC-AUTH-026",
    message: "there are as many roles as there may be",
    remedy: "Delete a role that nobody holds.",
  },
} as const satisfies Record<string, ErrorEntry>;
