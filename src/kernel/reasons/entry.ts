// What the table of errors says of a reason.

/** gRPC status codes that Gatehouse answers with (grpc.io/docs/guides/status-codes). */
export const grpcCode = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcCodeName = keyof typeof grpcCode;

export interface ErrorEntry {
  readonly code: GrpcCodeName;
  readonly id: `SEC-${"AUTH" | "TOKEN" | "SECRETS" | "AUDIT" | "CORE"}-${string}`;
  /** What the caller reads, unless the place that throws says something more precise. */
  readonly message: string;
  /** What the caller can do about it; for docs/errors.md. */
  readonly remedy: string;
}
