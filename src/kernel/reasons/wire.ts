// Reasons that a door has before a method is reached: encodings that it does not know, and connections that ask too much.
import type { ErrorEntry } from "./entry.ts";

export const wireReasons = {
  ENCODING_UNKNOWN: {
    code: "UNIMPLEMENTED",
    id: "SEC-CORE-040",
    message: "the request is compressed in a way that is not served",
    remedy: "Use one of the encodings in `grpc-accept-encoding`, or none.",
  },
  ENCODING_MISSING: {
    code: "INTERNAL",
    id: "SEC-CORE-041",
    message: "a message says that it is compressed and the call does not say how",
    remedy: "Name the encoding in `grpc-encoding`, or send the message as it is.",
  },
  CONNECTION_OVERLOADED: {
    code: "RESOURCE_EXHAUSTED",
    id: "SEC-CORE-042",
    message: "too many calls of this connection are still running",
    remedy: "Calls count until their work has ended, also when they were cancelled: wait for the time in RetryInfo.",
  },
  ANSWERS_UNREAD: {
    code: "RESOURCE_EXHAUSTED",
    id: "SEC-CORE-043",
    message: "too many answers wait for their readers",
    remedy: "Read the answers of earlier calls, or ask for smaller pages.",
  },
  GRANT_TYPE_UNKNOWN: {
    code: "INVALID_ARGUMENT",
    id: "SEC-CORE-044",
    message: "the grant type is not served",
    remedy: "Use one of `grant_types_supported` in `/.well-known/oauth-authorization-server`.",
  },
} as const satisfies Record<string, ErrorEntry>;
