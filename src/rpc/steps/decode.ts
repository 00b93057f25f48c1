// From bytes to message, bounded by the method's own limit.
import { fromBinary } from "@bufbuild/protobuf";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Step } from "../step.ts";

function decode({ entry, body }: Exchange) {
  if (body.byteLength > entry.maxRequestBytes) {
    throw new GatehouseError("REQUEST_TOO_LARGE", { metadata: { max_bytes: String(entry.maxRequestBytes) } });
  }
  try {
    return fromBinary(entry.method.input, body);
  } catch (cause) {
    throw new GatehouseError("REQUEST_MALFORMED", { cause });
  }
}

export const decodeStep: Step = {
  name: "decode",
  reason:
    "after the gate, so that nobody without a credential makes us parse; before authorisation, which needs the resource",
  after: ["authenticate"],
  enter(exchange) {
    if (exchange.entry.method.methodKind === "unary" || exchange.entry.method.methodKind === "server_streaming")
      exchange.request = decode(exchange);
  },
};
