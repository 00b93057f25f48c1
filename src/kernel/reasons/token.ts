// Reasons of the Token area.
import type { ErrorEntry } from "./entry.ts";

export const tokenReasons = {
  TOKEN_MALFORMED: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-001",
    message: "the token is malformed",
    remedy: "Send the token as it was issued.",
  },
  TOKEN_SIGNATURE_INVALID: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-002",
    message: "the token's signature is not valid",
    remedy: "Log in again; check that the token comes from this installation.",
  },
  TOKEN_EXPIRED: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-003",
    message: "the token has expired",
    remedy: "Refresh or log in again.",
  },
  TOKEN_REVOKED: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-004",
    message: "the token was revoked",
    remedy: "Log in again.",
  },
  TOKEN_WRONG_AUDIENCE: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-005",
    message: "the token is for another audience",
    remedy: "Ask for a token of the right audience.",
  },
  TOKEN_WRONG_KIND: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-006",
    message: "the token is of another kind",
    remedy: "Send an access token where one is asked for, a refresh token only to Refresh.",
  },
  TOKEN_WRONG_ISSUER: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-007",
    message: "the token is of another issuer",
    remedy: "Use a token of this installation.",
  },
  TOKEN_NOT_YET_VALID: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-008",
    message: "the token is not valid yet",
    remedy: "Check the clocks.",
  },
  REFRESH_TOKEN_INVALID: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-009",
    message: "the refresh token is not accepted",
    remedy: "Log in again.",
  },
  SCOPE_EXCEEDS_GRANT: {
    code: "INVALID_ARGUMENT",
    id: "SEC-TOKEN-010",
    message: "scopes can only be narrowed",
    remedy: "Ask for a subset of the scopes of the session.",
  },
  AUDIENCE_UNKNOWN: {
    code: "INVALID_ARGUMENT",
    id: "SEC-TOKEN-011",
    message: "no such audience",
    remedy: "Ask for an audience that this installation issues tokens for.",
  },
} as const satisfies Record<string, ErrorEntry>;
