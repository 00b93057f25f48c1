// Messages in protobuf's JSON form. What the caller wrote never comes back to it: a refusal names fields of the contract.
import { type DescMessage, type DescMethod, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";

/** Between the form of a wire and the binary form that the chain takes. */
export interface Codec {
  readonly name: "proto" | "json";
  /** How much longer than the binary form an honest request may be. */
  readonly inflation: number;
  /** Throws GatehouseError. */
  request(method: DescMethod, body: Uint8Array): Uint8Array;
  answer(method: DescMethod, bytes: Uint8Array): Uint8Array;
}

const text = new TextDecoder("utf-8", { fatal: true });

/** The field that protobuf-es could not read; it wraps its own error around the one that knows. */
function fieldOf(thrown: unknown): string | undefined {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  const field = cause instanceof Error && "field" in cause && typeof cause.field === "function" ? cause.field() : {};
  return typeof field === "object" && field !== null && "name" in field && typeof field.name === "string"
    ? field.name
    : undefined;
}

const unknownKey = /^cannot decode message ([a-zA-Z0-9_.]+) from JSON: key .* is unknown$/s;

function refusal(schema: DescMessage, cause: unknown): GatehouseError {
  const field = fieldOf(cause);
  if (field !== undefined) return invalidField(field, "is not of the form that the field has in JSON");
  const [, message] = cause instanceof Error ? (unknownKey.exec(cause.message) ?? []) : [];
  if (message === undefined) return new GatehouseError("REQUEST_MALFORMED", { cause });
  const where = message === schema.typeName ? "the request" : `${message} inside the request`;
  return invalidField("", `${where} has a member that is no field of it`);
}

function parsed(body: Uint8Array) {
  try {
    return JSON.parse(text.decode(body));
  } catch {
    // The parser's own error quotes what it read.
    throw new GatehouseError("REQUEST_MALFORMED", { message: "the request is not JSON" });
  }
}

const noJson = new Uint8Array(0);

export const jsonCodec: Codec = {
  name: "json",
  inflation: 2,
  request({ input }, body) {
    // `curl -d ''` and clients without anything to say mean the empty message.
    if (body.byteLength === 0) return noJson;
    const value = parsed(body);
    try {
      return toBinary(input, fromJson(input, value));
    } catch (cause) {
      throw refusal(input, cause);
    }
  },
  answer: ({ output }, bytes) => Buffer.from(JSON.stringify(toJson(output, fromBinary(output, bytes)))),
};

export const binaryCodec: Codec = {
  name: "proto",
  inflation: 1,
  request: (_, body) => body,
  answer: (_, bytes) => bytes,
};
