// A failed status of grpc-js as the ConnectError that every transport of connect throws, details included.
import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { StatusSchema } from "@gatehouse/proto/google/rpc/status_pb.js";
import type { Metadata, StatusObject } from "@grpc/grpc-js";
import { toHeaders } from "./metadata.ts";

const detailsKey = "grpc-status-details-bin";

/** Whatever is sent under the key: bytes that do not decode are no details. */
function detailsIn(metadata: Metadata | undefined): { type: string; value: Uint8Array }[] {
  const [bytes] = metadata?.get(detailsKey) ?? [];
  if (!(bytes instanceof Uint8Array)) return [];
  try {
    return fromBinary(StatusSchema, bytes).details.map(({ typeUrl, value }) => ({
      type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
      value,
    }));
  } catch {
    return [];
  }
}

function isStatus(thrown: unknown): thrown is StatusObject & Error {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "number" && "details" in thrown;
}

export function toConnectError(thrown: unknown): ConnectError {
  if (!isStatus(thrown)) return ConnectError.from(thrown, Code.Unknown);
  const code = thrown.code in Code ? (thrown.code as number as Code) : Code.Unknown;
  const error = new ConnectError(thrown.details, code, toHeaders(thrown.metadata), undefined, thrown);
  error.details = detailsIn(thrown.metadata);
  return error;
}
