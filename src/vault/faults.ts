// From what the HTTP library throws, and from the statuses of Vault, to the two errors of ports.ts. Messages of either are
// read and never kept: they can hold the token, the body, or what Vault echoes of it.
import { type VaultFault, type VaultRefusal, VaultRefused, VaultUnavailable } from "./ports.ts";

const distrust = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_|ERR_TLS_CERT_|ERR_SSL_|EPROTO)/;
const slow = new Set([
  "ABORT_ERR",
  "UND_ERR_ABORTED",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "ETIMEDOUT",
]);
const unreadable = /^(UND_ERR_RES_EXCEEDED_MAX_SIZE|UND_ERR_HEADERS_OVERFLOW|HPE_.*)$/;
const closed = new Set(["UND_ERR_DESTROYED", "UND_ERR_CLOSED"]);

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[A-Z0-9_]{1,64}$/.test(code) ? code : "UNKNOWN";
}

function faultOfCode(code: string): VaultFault {
  if (slow.has(code)) return "deadline";
  if (closed.has(code)) return "closed";
  if (unreadable.test(code)) return "answer";
  return distrust.test(code) ? "certificate" : "connection";
}

/** The reason of a deadline comes through the library as it is. */
export function faultOfError(error: unknown, pathTemplate: string): VaultUnavailable {
  if (error instanceof VaultUnavailable) return error;
  const code = codeOf(error);
  return new VaultUnavailable(faultOfCode(code), pathTemplate, code);
}

/** The connection ended under a call that had been sent on it: an idle one that the other side had closed, mostly. */
export function closedUnderway(error: unknown): boolean {
  if (!(error instanceof VaultUnavailable) || error.fault !== "connection") return false;
  return error.code === "UND_ERR_SOCKET" || error.code === "ECONNRESET" || error.code === "EPIPE";
}

/** What Vault says when it means one of these. Compared, never shown. */
const known: readonly (readonly [RegExp, VaultRefusal])[] = [
  [
    /no handler for route|unsupported path|No (secret|auth) engine (mount )?at|Invalid path for a versioned K\/V/,
    "wrong-mount",
  ],
  [/could not delete key; not found/, "not-found"],
  [/(encryption|signing) key not found|no existing key named/, "key-not-found"],
];

function refusalOf(status: number, errors: readonly string[]): VaultRefusal {
  if (status === 403) return "forbidden";
  if (status === 413) return "too-large";
  const text = errors.join("\n");
  const match = known.find(([pattern]) => pattern.test(text));
  if (match !== undefined) return match[1];
  if (status === 404) return "not-found";
  return status === 400 ? "bad-request" : "other";
}

function unavailability(status: number, errors: readonly string[]): VaultFault | undefined {
  if (status >= 300 && status < 400) return "redirect";
  if (status === 412) return "behind";
  if (status === 429) return "overloaded";
  // 472 and 473: a secondary or a standby that cannot do this by itself.
  if (status < 500 && status !== 472 && status !== 473) return undefined;
  return status === 503 && errors.some((text) => /\bsealed\b/i.test(text)) ? "sealed" : "server-error";
}

/** For every status but 2xx. */
export function faultOfStatus(
  status: number,
  errors: readonly string[],
  pathTemplate: string,
): VaultUnavailable | VaultRefused {
  const fault = unavailability(status, errors);
  return fault === undefined
    ? new VaultRefused(status, refusalOf(status, errors), pathTemplate)
    : new VaultUnavailable(fault, pathTemplate);
}
