// What may stand in a log line: secrets masked by name, bytes never printed, errors reduced to what helps and cannot
// leak. A second line of defence; the first is not to log a secret.
import type { Message } from "@bufbuild/protobuf";
import type { LogFields } from "./kernel/logger.ts";

/** A message as its contract lets it be seen; src/rpc/redact.ts. */
export type PrintMessage = (message: Message) => unknown;

const mask = "[redacted]";
const deepest = 5;

// Names that hold a secret, unless their end says that they speak about one.
const secretName =
  /pass(word|phrase|wd)|secret|token|authorization|cookie|credential|pepper|private_?key|api_?key|master_?key|\bdsn\b|database_?url/i;
const aboutName = /(id|ids|path|paths|count|kind|name|version|versions|length|bytes|expires_?at|lifetime_?ms)$/i;

const secretShapes: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${mask}@`],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+/gi, `$1 ${mask}`],
  // Tokens of our own that are no JWTs: refresh, one-time and invitation tokens.
  [/\bgh[abir]_[A-Za-z0-9_-]{16,}/g, mask],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?/g, mask],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, mask],
  [/([?&](?:[a-z_-]*token|password|secret|code|key|sig(?:nature)?)=)[^&\s]+/gi, `$1${mask}`],
];

/** Text of unknown origin, such as the message of a driver's error: connection strings and tokens are masked. */
function scrub(text: string): string {
  return secretShapes.reduce((clean, [shape, replacement]) => clean.replace(shape, replacement), text);
}

function isSecretName(key: string): boolean {
  return secretName.test(key) && !aboutName.test(key);
}

interface Printing {
  /** The line carries an `error_id`. */
  readonly identified: boolean;
  readonly printMessage: PrintMessage;
}

/**
 * Name, code, reason and cause. The message and stack of an error may quote a caller's input, so they appear only in a
 * line that carries an `error_id`: that line is looked up on purpose.
 */
function errorFields(error: Error, printing: Printing, depth: number): LogFields {
  const { code, reason } = error as { readonly code?: unknown; readonly reason?: unknown };
  return {
    type: error.name,
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(typeof reason === "string" ? { reason } : {}),
    ...(printing.identified ? { message: scrub(error.message), stack: scrub(error.stack ?? "") } : {}),
    ...(error.cause === undefined ? {} : { cause: safeValue(error.cause, printing, depth + 1) }),
  };
}

function isProtobuf(value: object): value is Message {
  return "$typeName" in value && typeof value.$typeName === "string";
}

function safeValue(value: unknown, printing: Printing, depth: number): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return scrub(value);
  if (typeof value !== "object" || value === null) return value;
  return depth > deepest ? "[deep]" : safeReference(value, printing, depth);
}

function safeReference(value: object, printing: Printing, depth: number): unknown {
  if (value instanceof Error) return errorFields(value, printing, depth);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return "[bytes]";
  if (isProtobuf(value)) return printing.printMessage(value);
  if (Array.isArray(value)) return value.map((item) => safeValue(item, printing, depth + 1));
  // What an object says of itself is no safer than what it holds.
  if ("toJSON" in value && typeof value.toJSON === "function") return safeValue(value.toJSON(), printing, depth + 1);
  return safeObject(value, printing, depth);
}

function safeObject(value: object, printing: Printing, depth: number): Record<string, unknown> {
  const safe = Object.entries(value).map(([key, item]) => [
    key,
    isSecretName(key) && item !== undefined ? mask : safeValue(item, printing, depth + 1),
  ]);
  return Object.fromEntries(safe);
}

export function createSafeFields(printMessage: PrintMessage = () => mask) {
  return (fields: object): Record<string, unknown> => {
    const printing = { identified: "error_id" in fields, printMessage };
    return isProtobuf(fields) ? { request: printMessage(fields) } : safeObject(fields, printing, 0);
  };
}
