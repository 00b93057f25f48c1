// Reasons of the Secrets area.
import type { ErrorEntry } from "./entry.ts";

export const secretsReasons = {
  SECRET_NOT_FOUND: {
    code: "NOT_FOUND",
    id: "SEC-SECRETS-001",
    message: "no such secret or version",
    remedy: "Check path and version; list the versions.",
  },
  SECRET_VERSION_DELETED: {
    code: "FAILED_PRECONDITION",
    id: "SEC-SECRETS-002",
    message: "the version is deleted",
    remedy: "Undelete it first.",
  },
  SECRET_VERSION_DESTROYED: {
    code: "FAILED_PRECONDITION",
    id: "SEC-SECRETS-003",
    message: "the version is destroyed",
    remedy: "It is gone for good; put a new version.",
  },
  SECRET_VERSION_CONFLICT: {
    code: "ABORTED",
    id: "SEC-SECRETS-004",
    message: "the current version is not the expected one",
    remedy: "Read the secret again and decide anew; the current version is in the metadata.",
  },
  SECRET_EXPIRED: {
    code: "FAILED_PRECONDITION",
    id: "SEC-SECRETS-005",
    message: "the version has expired",
    remedy: "Put a new version.",
  },
  SECRET_TOO_LARGE: {
    code: "INVALID_ARGUMENT",
    id: "SEC-SECRETS-006",
    message: "the value is too large",
    remedy: "Stay within the limit named in the metadata.",
  },
  SECRET_VERSIONS_EXHAUSTED: {
    code: "FAILED_PRECONDITION",
    id: "SEC-SECRETS-007",
    message: "the secret has no free version number",
    remedy: "Store the value under a new path.",
  },
} as const satisfies Record<string, ErrorEntry>;
