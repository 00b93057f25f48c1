// Turns what a transport throws into typed errors. What arrives may come from anyone on the way, so nothing in it is
// taken for granted: details that do not decode are as good as absent.
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "@gatehouse/proto/google/rpc/error_details_pb.js";
import { type ErrorParts, type FieldViolation, GatehouseError } from "./gatehouse-error.ts";
import { makeError } from "./kinds.ts";
import type { Reason } from "./reasons.ts";

/** `domain` of every ErrorInfo that Gatehouse writes. */
const domain = "gatehouse";

/** What a status means that carries no ErrorInfo of ours: grpc itself made it, here or on the way. */
const bareReasons: Readonly<Partial<Record<Code, Reason>>> = {
  [Code.Canceled]: "CANCELLED",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.Unavailable]: "UNREACHABLE",
  [Code.Unimplemented]: "METHOD_UNKNOWN",
};

function firstDetail<D extends DescMessage>(error: ConnectError, schema: D): MessageShape<D> | undefined {
  return error.findDetails(schema)[0];
}

function instant(text: string | undefined): Date | undefined {
  const date = new Date(text ?? "");
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function violationsIn(error: ConnectError): FieldViolation[] {
  const violations = firstDetail(error, BadRequestSchema)?.fieldViolations ?? [];
  return violations.map(({ field, description }) => ({ field, description }));
}

function retryAfterMs(error: ConnectError): number | undefined {
  const delay = firstDetail(error, RetryInfoSchema)?.retryDelay;
  const ms = delay === undefined ? Number.NaN : durationMs(delay);
  return ms >= 0 ? ms : undefined;
}

function partsOf(error: ConnectError): ErrorParts {
  const parts = { message: error.rawMessage, grpcCode: error.code, cause: error };
  const info = error.findDetails(ErrorInfoSchema).find((each) => each.domain === domain);
  if (info === undefined) return { ...parts, reason: bareReasons[error.code] ?? "UNKNOWN" };
  const { code, error_id: errorId, timestamp, ...metadata } = info.metadata;
  return {
    ...parts,
    reason: info.reason,
    code,
    errorId,
    timestamp: instant(timestamp),
    retryAfterMs: retryAfterMs(error),
    violations: violationsIn(error),
    metadata,
  };
}

/** Errors that are typed already pass as they are. `requestId` is the one that the failed request carried. */
export function toGatehouseError(thrown: unknown, requestId?: string): GatehouseError {
  if (thrown instanceof GatehouseError) return thrown;
  return makeError({ ...partsOf(ConnectError.from(thrown)), requestId });
}
