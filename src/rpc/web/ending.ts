// How a call ended, in the words of its protocol: an envelope after the messages, or an HTTP status with JSON.
import type { JsonValue } from "@bufbuild/protobuf";
import type { Failure } from "../chain.ts";
import { envelope } from "./envelopes.ts";
import { errorJson, failureHeaders, httpStatusOf, trailerLines } from "./errors.ts";
import { endStreamFlag, trailerFlag } from "./protocols.ts";
import type { Sender, WebCall } from "./sending.ts";
import { acceptedEncodings, type Wire } from "./wire.ts";

export function lastEnvelope({ protocol }: Wire, failure: Failure | undefined): Buffer {
  if (protocol === "grpc_web") return envelope(trailerFlag, trailerLines(failure));
  const end: JsonValue =
    failure === undefined
      ? {}
      : {
          error: errorJson(failure),
          metadata: Object.fromEntries(Object.entries(failure.metadata).map(([name, value]) => [name, [value]])),
        };
  return envelope(endStreamFlag, Buffer.from(JSON.stringify(end)));
}

/** A call that was refused before any of its answer was out. */
export function sendFailure(sender: Sender, call: WebCall & { readonly wire: Wire }, failure: Failure): void {
  const { wire } = call;
  const accepted = failure.reason === "ENCODING_UNKNOWN" ? acceptedEncodings(wire) : {};
  if (wire.enveloped) {
    const body = lastEnvelope(wire, failure);
    sender.whole(call, { status: 200, contentType: wire.contentType, body, headers: accepted });
  } else {
    const headers = { ...failureHeaders(failure), ...accepted };
    sender.json(call, { status: httpStatusOf(failure), value: errorJson(failure), headers });
  }
}
