// Reads a google.rpc.Status and its details, as any client would.
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "@gatehouse/proto/google/rpc/error_details_pb.js";
import { StatusSchema } from "@gatehouse/proto/google/rpc/status_pb.js";

export function readStatus(bytes: Uint8Array) {
  const status = fromBinary(StatusSchema, bytes);
  const one = <S extends Parameters<typeof anyUnpack>[1] & object>(schema: S) =>
    status.details.map((detail) => anyUnpack(detail, schema as never)).find((detail) => detail !== undefined);
  return {
    code: status.code,
    message: status.message,
    details: status.details.map((detail) => detail.typeUrl.split("/").at(-1)),
    info: one(ErrorInfoSchema) as { reason: string; domain: string; metadata: Record<string, string> } | undefined,
    badRequest: one(BadRequestSchema) as { fieldViolations: { field: string; description: string }[] } | undefined,
    retryInfo: one(RetryInfoSchema) as { retryDelay?: { seconds: bigint; nanos: number } } | undefined,
    quotaFailure: one(QuotaFailureSchema) as { violations: { subject: string; description: string }[] } | undefined,
  };
}
