// Reasons that every area shares: the request, its limits, and what the server stands on.
import type { ErrorEntry } from "./entry.ts";

export const coreReasons = {
  REQUEST_INVALID: {
    code: "INVALID_ARGUMENT",
    id: "SEC-CORE-001",
    message: "the request is not valid",
    remedy: "See the field violations.",
  },
  REQUEST_MALFORMED: {
    code: "INVALID_ARGUMENT",
    id: "SEC-CORE-002",
    message: "the request is not a message of this method",
    remedy: "Use a client generated from the current contracts.",
  },
  REQUEST_TOO_LARGE: {
    code: "RESOURCE_EXHAUSTED",
    id: "SEC-CORE-003",
    message: "the request is too large",
    remedy: "Stay within the method's limit.",
  },
  REQUEST_ID_REUSED: {
    code: "ALREADY_EXISTS",
    id: "SEC-CORE-004",
    message: "the request id was used for another request",
    remedy: "Make a new request id for every new request.",
  },
  REQUEST_IN_PROGRESS: {
    code: "ABORTED",
    id: "SEC-CORE-005",
    message: "a request with this id is still running",
    remedy: "Wait, then repeat it to learn its answer.",
  },
  PAGE_TOKEN_INVALID: {
    code: "INVALID_ARGUMENT",
    id: "SEC-CORE-006",
    message: "the page token is not accepted",
    remedy: "Start again from the first page with the same filter.",
  },
  METHOD_UNKNOWN: {
    code: "UNIMPLEMENTED",
    id: "SEC-CORE-007",
    message: "no such method",
    remedy: "List the methods with grpcurl or read the contracts.",
  },
  RATE_LIMITED: {
    code: "RESOURCE_EXHAUSTED",
    id: "SEC-CORE-008",
    message: "too many calls",
    remedy: "Wait for the time in RetryInfo, then try again.",
  },
  DEADLINE_EXCEEDED: {
    code: "DEADLINE_EXCEEDED",
    id: "SEC-CORE-009",
    message: "the call did not finish in its time",
    remedy: "Allow more time or try again.",
  },
  CANCELLED: {
    code: "CANCELLED",
    id: "SEC-CORE-010",
    message: "the call was cancelled",
    remedy: "The caller went away.",
  },
  DATABASE_UNAVAILABLE: {
    code: "UNAVAILABLE",
    id: "SEC-CORE-011",
    message: "the database does not answer, so nothing was done",
    remedy: "Try again later.",
  },
  OUTCOME_UNKNOWN: {
    code: "UNAVAILABLE",
    id: "SEC-CORE-012",
    message: "the answer to the commit was lost, so the outcome is unknown",
    remedy: "Repeat the call with the same request id to learn it.",
  },
  KEYS_UNAVAILABLE: {
    code: "UNAVAILABLE",
    id: "SEC-CORE-013",
    message: "the keys cannot be reached, so nothing was done",
    remedy: "Try again later.",
  },
  DATA_CORRUPT: {
    code: "DATA_LOSS",
    id: "SEC-CORE-014",
    message: "the stored data does not open",
    remedy: "Report the error id; restore from a backup.",
  },
  DRAINING: {
    code: "UNAVAILABLE",
    id: "SEC-CORE-015",
    message: "the server is going away",
    remedy: "Try again; another replica answers.",
  },
  INTERNAL: {
    code: "INTERNAL",
    id: "SEC-CORE-016",
    message: "internal error",
    remedy: "Report the error id; the cause is in the log under it.",
  },
  METADATA_INVALID: {
    code: "INVALID_ARGUMENT",
    id: "SEC-CORE-017",
    message: "the call's metadata is not valid",
    remedy: "See the message; send each key once and well formed.",
  },
  SERVICE_UNKNOWN: {
    code: "NOT_FOUND",
    id: "SEC-CORE-018",
    message: "no such service",
    remedy: "List the services with grpcurl; the empty name asks about the server as a whole.",
  },
  LIMITS_UNAVAILABLE: {
    code: "UNAVAILABLE",
    id: "SEC-CORE-019",
    message: "calls cannot be counted at the moment, so nothing was done",
    remedy: "Wait for the time in RetryInfo, then try again.",
  },
  OVERLOADED: {
    code: "UNAVAILABLE",
    id: "SEC-CORE-020",
    message: "the server has too much to do, so nothing was done",
    remedy: "Wait for the time in RetryInfo, then try again; another replica may answer sooner.",
  },
  CONCURRENCY_LIMITED: {
    code: "RESOURCE_EXHAUSTED",
    id: "SEC-CORE-021",
    message: "too many calls at the same time",
    remedy: "Let calls finish before you make more; the metadata names the limit.",
  },
} as const satisfies Record<string, ErrorEntry>;
