// What is wrong with the headers of a call, before grpc-js reads them: it takes the first of doubled fields, reads
// malformed timeouts in part and drops metadata that it does not like, each without a word.
import type { IncomingHttpHeaders } from "node:http2";
import type { Clock } from "../../kernel/clock.ts";
import { GatehouseError } from "../../kernel/errors.ts";

function joinDoubledAuthorization(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
  if (headers.authorization === undefined) return;
  const values = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1] === "authorization");
  // As HTTP joins repeated fields; no bearer token holds a comma, so the gate refuses it.
  if (values.length > 1) headers.authorization = values.join(", ");
}

const timeoutForm = /^(\d{1,8})([HMSmun])$/;
// Hours, minutes and seconds that still fit into 31 bits of milliseconds.
const longest: Readonly<Record<string, number>> = { H: 596, M: 35_791, S: 2_147_483 };

export const malformedTimeout = "malformed";

/** grpc-js finds a timeout in the middle of rubbish, and takes one beyond 24 days for one that has passed. */
function mendTimeout(headers: IncomingHttpHeaders): void {
  const given = headers["grpc-timeout"];
  if (typeof given !== "string") return;
  const [, amount, unit = ""] = timeoutForm.exec(given) ?? [];
  if (amount === undefined) headers["grpc-timeout"] = malformedTimeout;
  else headers["grpc-timeout"] = `${Math.min(Number(amount), longest[unit] ?? Number.POSITIVE_INFINITY)}${unit}`;
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Unix milliseconds, of mended headers; undefined = the caller set none. */
export function deadlineOf({ "grpc-timeout": given }: IncomingHttpHeaders, clock: Clock): number | undefined {
  if (typeof given !== "string") return undefined;
  return clock.now().getTime() + Number(given.slice(0, -1)) * (unitMs[given.slice(-1)] ?? 0);
}

/** Makes doubled credentials visible to the gate, and timeouts mean what they say. */
export function mendHeaders(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
  joinDoubledAuthorization(headers, rawHeaders);
  mendTimeout(headers);
}

// Printable ASCII, as gRPC's "PROTOCOL-HTTP2" has ASCII-Value.
const asciiValue = /^[ -~]*$/;
// Padded or not, as that text has it; doubled fields may come joined with commas.
const base64Value = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

function isBase64(value: string): boolean {
  return (
    base64Value.test(value) || (value.includes(",") && value.split(",").every((part) => base64Value.test(part.trim())))
  );
}

const tooLong = (): GatehouseError => new GatehouseError("METADATA_INVALID", { message: "the metadata is too long" });

function wrongValue(name: string, value: string): GatehouseError | undefined {
  if (!asciiValue.test(value))
    return new GatehouseError("METADATA_INVALID", { message: "the metadata holds characters that are not printable" });
  if (name.endsWith("-bin") && !isBase64(value))
    return new GatehouseError("METADATA_INVALID", { message: "binary metadata is not base64" });
  return undefined;
}

/** A client that never acknowledges our settings is not held to them by nghttp2, so what came is counted as well. */
export function metadataFault(rawHeaders: readonly string[], maxBytes: number): GatehouseError | undefined {
  let bytes = rawHeaders.length * 16;
  let fault: GatehouseError | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    const value = rawHeaders[at + 1] ?? "";
    bytes += name.length + value.length;
    if (fault === undefined && !name.startsWith(":")) fault = wrongValue(name, value);
  }
  return bytes > maxBytes ? tooLong() : fault;
}

const encodings = new Set(["identity", "gzip", "deflate"]);
export const acceptedEncodings = "identity,deflate,gzip";

export function encodingFault({ "grpc-encoding": encoding }: IncomingHttpHeaders): GatehouseError | undefined {
  return encoding === undefined || encodings.has(encoding as string)
    ? undefined
    : new GatehouseError("ENCODING_UNKNOWN");
}
