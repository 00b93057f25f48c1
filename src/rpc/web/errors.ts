// A failure in the forms of the web: Connect's JSON with its HTTP status, gRPC-Web's trailers, and the headers that HTTP
// itself has for some of them.
import { createRegistry, fromBinary, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "@gatehouse/proto/google/rpc/error_details_pb.js";
import { StatusSchema } from "@gatehouse/proto/google/rpc/status_pb.js";
import type { Failure } from "../chain.ts";
import { connectCode, httpStatusOfCode } from "./protocols.ts";

const known = createRegistry(ErrorInfoSchema, BadRequestSchema, QuotaFailureSchema, RetryInfoSchema);

function detail(any: Any): JsonValue {
  const type = any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
  const value = Buffer.from(any.value).toString("base64").replace(/=+$/, "");
  const schema = known.getMessage(type);
  const message = anyUnpack(any, known);
  // `debug` is for people with curl; clients read `value`.
  return schema === undefined || message === undefined
    ? { type, value }
    : { type, value, debug: toJson(schema, message) };
}

export function errorJson({ code, message, status }: Failure): JsonValue {
  return {
    code: connectCode(code),
    message,
    details: fromBinary(StatusSchema, status).details.map(detail),
  };
}

export function httpStatusOf({ code }: Failure): number {
  return httpStatusOfCode(code);
}

function metadataOf({ status }: Failure): Readonly<Record<string, string>> {
  for (const any of fromBinary(StatusSchema, status).details) {
    const info = anyUnpack(any, ErrorInfoSchema);
    if (info !== undefined) return info.metadata;
  }
  return {};
}

const realm = 'Bearer realm="gatehouse"';

/** Names what the next authentication must come up to, and nothing that this one was. */
function stepUpChallenge({ max_age_seconds: age, acr_values: context }: Readonly<Record<string, string>>): string {
  const wanted = [
    ...(context === undefined ? [] : [`acr_values="${context}"`]),
    ...(age === undefined ? [] : [`max_age="${age}"`]),
  ];
  return [realm, 'error="insufficient_user_authentication"', ...wanted].join(", ");
}

/** RFC 6750 section 3 and RFC 9470 section 3. A call without any credential is told of no error. */
function challenge(failure: Failure): string | undefined {
  if (failure.reason === "CREDENTIAL_INVALID") return `${realm}, error="invalid_token"`;
  if (failure.reason === "SCOPE_MISSING")
    return `${realm}, error="insufficient_scope", scope="${metadataOf(failure).permission ?? ""}"`;
  if (failure.reason === "STEP_UP_REQUIRED") return stepUpChallenge(metadataOf(failure));
  return httpStatusOf(failure) === 401 ? realm : undefined;
}

/** For those that name no time, such as a database that is away. */
const usualRetryMs = 1_000;

function retryAfter(failure: Failure): string | undefined {
  const wait = failure.retryAfterMs ?? (httpStatusOf(failure) === 503 ? usualRetryMs : undefined);
  return wait === undefined ? undefined : String(Math.max(1, Math.ceil(wait / 1000)));
}

/** What goes out as headers where the failure has an HTTP status of its own. */
export function failureHeaders(failure: Failure): Readonly<Record<string, string>> {
  const asked = challenge(failure);
  const wait = retryAfter(failure);
  return {
    ...failure.metadata,
    ...(asked === undefined ? {} : { "www-authenticate": asked }),
    ...(wait === undefined ? {} : { "retry-after": wait }),
  };
}

/** The fields of gRPC's trailers, in gRPC-Web's lines. */
export function trailerLines(failure: Failure | undefined): Buffer {
  if (failure === undefined) return Buffer.from("grpc-status: 0\r\n");
  const fields = {
    ...failure.metadata,
    "grpc-status": String(failure.code),
    "grpc-message": encodeURIComponent(failure.message),
    "grpc-status-details-bin": Buffer.from(failure.status).toString("base64").replace(/=+$/, ""),
  };
  return Buffer.from(
    Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join(""),
  );
}
