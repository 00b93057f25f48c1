// From whatever was thrown to what the caller may read: google.rpc.Status with ErrorInfo on every error (AIP-193).
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "@gatehouse/proto/google/rpc/error_details_pb.js";
import { StatusSchema } from "@gatehouse/proto/google/rpc/status_pb.js";
import { errorTable, GatehouseError } from "../kernel/errors.ts";

const errorDomain = "gatehouse";

/** Anything that is no GatehouseError is INTERNAL; its text goes to the log alone. */
export function asGatehouseError(thrown: unknown): GatehouseError {
  return thrown instanceof GatehouseError ? thrown : new GatehouseError("INTERNAL", { cause: thrown });
}

function errorInfo(error: GatehouseError, errorId: string, now: Date) {
  return create(ErrorInfoSchema, {
    reason: error.reason,
    domain: errorDomain,
    metadata: { ...error.metadata, code: errorTable[error.reason].id, error_id: errorId, timestamp: now.toISOString() },
  });
}

function details(error: GatehouseError, errorId: string, now: Date) {
  const packed = [anyPack(ErrorInfoSchema, errorInfo(error, errorId, now))];
  if (error.violations.length > 0) {
    packed.push(
      anyPack(
        BadRequestSchema,
        create(BadRequestSchema, { fieldViolations: error.violations.map((violation) => ({ ...violation })) }),
      ),
    );
  }
  if (error.retryAfterMs !== undefined) {
    packed.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: durationFromMs(error.retryAfterMs) })));
  }
  if (error.reason === "RATE_LIMITED" || error.reason === "CONCURRENCY_LIMITED") {
    const violation = { subject: error.metadata.limit ?? "", description: error.message };
    packed.push(anyPack(QuotaFailureSchema, create(QuotaFailureSchema, { violations: [violation] })));
  }
  return packed;
}

/** The serialised google.rpc.Status of an error. */
export function encodeStatus(error: GatehouseError, errorId: string, now: Date): Uint8Array {
  return toBinary(
    StatusSchema,
    create(StatusSchema, { code: error.code, message: error.message, details: details(error, errorId, now) }),
  );
}

const none: Readonly<Record<string, string>> = {};

/** Metadata that goes with an error beside its details: when gRPC's own retry may come back (gRFC A6), the nonce of DPoP. */
export function metadataOf({ retryAfterMs, metadata }: GatehouseError): Readonly<Record<string, string>> {
  // RFC 9449 section 8: where its clients look for it.
  if (metadata.dpop_nonce !== undefined) return { "dpop-nonce": metadata.dpop_nonce };
  if (retryAfterMs === undefined) return none;
  // A signed 32-bit number, or the client takes it for "never".
  return { "grpc-retry-pushback-ms": String(Math.min(Math.ceil(retryAfterMs), 2_147_483_647)) };
}
