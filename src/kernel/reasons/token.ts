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
  SIGNING_KEY_NOT_FOUND: {
    code: "NOT_FOUND",
    id: "SEC-TOKEN-012",
    message: "no such signing key",
    remedy: "List the signing keys.",
  },
  SIGNING_KEY_DESTROYED: {
    code: "FAILED_PRECONDITION",
    id: "SEC-TOKEN-013",
    message: "the signing key is destroyed, and no live token rests on it",
    remedy: "Nothing is left to be done about it.",
  },
  PROOF_REQUIRED: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-014",
    message: "a proof of possession is required",
    remedy:
      "Send a DPoP proof in the metadata `dpop`, or connect with a client certificate, as the client's settings say.",
  },
  PROOF_INVALID: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-015",
    message: "the DPoP proof is not accepted",
    remedy:
      "Make a new proof for each request: method, URL, time, key and the hash of the token must be those of the request.",
  },
  PROOF_NONCE_REQUIRED: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-016",
    message: "the DPoP proof lacks a nonce of ours that is in force",
    remedy: "Make a new proof with the nonce of the metadata `dpop-nonce`.",
  },
  SUBJECT_TOKEN_INVALID: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-017",
    message: "the subject's token is not accepted",
    remedy: "Exchange a live access token that is for an audience of the client, or was issued through it.",
  },
  ACTOR_TOKEN_INVALID: {
    code: "UNAUTHENTICATED",
    id: "SEC-TOKEN-018",
    message: "the actor's token is not accepted",
    remedy: "Send a live access token that was issued through the client, or none.",
  },
  ACTOR_NOT_ALLOWED: {
    code: "PERMISSION_DENIED",
    id: "SEC-TOKEN-019",
    message: "the subject's token may be exchanged by another alone",
    remedy: "See the claim `may_act` of the token.",
  },
  ACTOR_CHAIN_TOO_LONG: {
    code: "FAILED_PRECONDITION",
    id: "SEC-TOKEN-020",
    message: "the token has gone through as many hands as it may",
    remedy: "Exchange a token that is nearer to its subject.",
  },
  RESUME_TOKEN_TOO_OLD: {
    code: "OUT_OF_RANGE",
    id: "SEC-TOKEN-021",
    message: "the stream cannot go on from there",
    remedy: "Begin again without a resume token, and replace what you hold by the snapshot.",
  },
} as const satisfies Record<string, ErrorEntry>;
