// Which protocol a request speaks, and what its headers say of the call.
import { GatehouseError } from "../../kernel/errors.ts";
import type { Protocol } from "../exchange.ts";
import type { Encoding } from "./body.ts";
import { binaryCodec, type Codec, jsonCodec } from "./json.ts";
import { headerValues, singleHeader, type WebRequest } from "./message.ts";
import { parseConnect, parseGrpcWeb } from "./protocols.ts";

export interface Wire {
  readonly protocol: Protocol;
  readonly codec: Codec;
  /** Messages come in envelopes, and how the call ended comes in the last of them. */
  readonly enveloped: boolean;
  /** Of the answer. */
  readonly contentType: string;
}

export interface Head {
  /** Milliseconds; undefined = the caller names none. */
  readonly timeoutMs: number | undefined;
  readonly encoding: Encoding;
  /** What is wrong with the headers. The gate comes first, so it waits. */
  readonly problem: GatehouseError | undefined;
}

/** Undefined for what is not served here: native gRPC has a door of its own, and the text form of gRPC-Web none. */
export function wireOf(contentType: string | undefined, unary: boolean): Wire | undefined {
  const connect = parseConnect(contentType ?? "");
  if (connect !== undefined) {
    if (connect.stream === unary) return undefined;
    const codec = connect.binary ? binaryCodec : jsonCodec;
    const prefix = connect.stream ? "connect+" : "";
    return {
      protocol: "connect",
      codec,
      enveloped: connect.stream,
      contentType: `application/${prefix}${codec.name}`,
    };
  }
  const grpcWeb = parseGrpcWeb(contentType ?? "");
  if (grpcWeb === undefined || grpcWeb.text) return undefined;
  const codec = grpcWeb.binary ? binaryCodec : jsonCodec;
  return { protocol: "grpc_web", codec, enveloped: true, contentType: `application/grpc-web+${codec.name}` };
}

/** For 415. */
export const servedTypes =
  "application/json, application/proto, application/connect+json, application/connect+proto, application/grpc-web+proto, application/grpc-web+json";

const grpcUnits: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

function grpcTimeout(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (grpcUnits[unit] ?? 0);
}

function connectTimeout(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

const names = {
  connect: { timeout: "connect-timeout-ms", parse: connectTimeout },
  grpc_web: { timeout: "grpc-timeout", parse: grpcTimeout },
} as const;

function encodingHeader({ protocol, enveloped }: Wire): string {
  if (protocol === "grpc_web") return "grpc-encoding";
  return enveloped ? "connect-content-encoding" : "content-encoding";
}

function encodingOf(request: WebRequest, wire: Wire): Encoding | undefined {
  const given = singleHeader(request, encodingHeader(wire)) ?? "identity";
  return given === "gzip" || given === "identity" ? given : undefined;
}

/** What tells the caller which encodings there are, beside ENCODING_UNKNOWN. */
export function acceptedEncodings(wire: Wire): Readonly<Record<string, string>> {
  const header = encodingHeader(wire);
  const name =
    header === "content-encoding" ? "accept-encoding" : header.replace(/(content-)?encoding$/, "accept-encoding");
  return { [name]: "gzip" };
}

/** The text given for a header that may be given once. */
function once(request: WebRequest, name: string): { readonly text: string | undefined; readonly doubled: boolean } {
  const [text, ...more] = headerValues(request, name);
  return { text, doubled: more.length > 0 };
}

export function headOf(request: WebRequest, wire: Wire): Head {
  const { timeout: header, parse } = names[wire.protocol === "grpc_web" ? "grpc_web" : "connect"];
  const timeout = once(request, header);
  const timeoutMs = timeout.text === undefined ? undefined : parse(timeout.text);
  const version = once(request, "connect-protocol-version").text;
  const encoding = encodingOf(request, wire);
  let problem: GatehouseError | undefined;
  if (timeout.doubled || (timeout.text !== undefined && timeoutMs === undefined))
    problem = new GatehouseError("METADATA_INVALID", { message: `${header} is not a time` });
  else if (version !== undefined && version !== "1")
    problem = new GatehouseError("METADATA_INVALID", { message: "connect-protocol-version is not 1" });
  else if (encoding === undefined) problem = new GatehouseError("ENCODING_UNKNOWN");
  return { timeoutMs, encoding: encoding ?? "identity", problem };
}
