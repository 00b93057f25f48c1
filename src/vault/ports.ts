// What the rest of Gatehouse sees of Vault: a client that reads, writes, lists and removes, and the two ways it fails.

/** The `data` member of Vault's answer, unread. Whoever asked checks what is in it. */
export type VaultData = Readonly<Record<string, unknown>>;

/** Every Transit key of Gatehouse begins so: the policy in Vault lets it touch no other. A mount may be shared. */
export const keyPrefix = "gatehouse-";

/** What GET sys/health says. A standby that cannot reach the active one, and a disaster secondary, count as unreachable. */
export type VaultHealth = "active" | "standby" | "sealed" | "uninitialised" | "unreachable";

/** Why Vault gave no usable answer, in words that may stand in a log line and in a label of a metric. */
export type VaultFault =
  | "deadline"
  | "connection"
  | "certificate"
  | "sealed"
  | "overloaded"
  | "server-error"
  | "behind"
  | "redirect"
  | "answer"
  | "credential-file"
  | "closed";

/**
 * No usable answer: none in time, a fault of the connection, 429, 5xx, sealed, 412 after the repeats, or no login for such
 * a reason. The cause is never kept: a library's error holds token and body. Whether Vault did what was asked is unknown. It may answer later; nobody has to restart anything.
 */
export class VaultUnavailable extends Error {
  override readonly name = "VaultUnavailable";
  readonly fault: VaultFault;
  readonly pathTemplate: string;
  /** Of the operating system, OpenSSL or the HTTP library, such as ECONNREFUSED. Never their message. */
  readonly code: string | undefined;

  constructor(fault: VaultFault, pathTemplate: string, code?: string) {
    super(`vault is not available for ${pathTemplate}: ${fault}${code === undefined ? "" : ` (${code})`}`);
    this.fault = fault;
    this.pathTemplate = pathTemplate;
    this.code = code;
  }
}

/** Why Vault said no, from a fixed list: Vault's own message is never kept, because it can echo what was sent. */
export type VaultRefusal =
  | "forbidden"
  | "login-refused"
  | "wrong-mount"
  | "not-found"
  | "key-not-found"
  | "bad-request"
  | "too-large"
  | "other";

/** Vault answered, and the answer is no. Holds neither body, token nor Vault's own words. */
export class VaultRefused extends Error {
  override readonly name = "VaultRefused";
  readonly status: number;
  readonly refusal: VaultRefusal;
  readonly pathTemplate: string;

  constructor(status: number, refusal: VaultRefusal, pathTemplate: string) {
    super(`vault refused ${pathTemplate}: ${refusal}, status ${status}`);
    this.status = status;
    this.refusal = refusal;
    this.pathTemplate = pathTemplate;
  }
}

/**
 * One Vault, one namespace, one login. `path` has no /v1/ before it and consists of safe names alone (letters, digits,
 * `.`, `_`, `-`, joined by `/`); anything else throws a TypeError before a byte is sent.
 *
 * Every method but `health` and `close` throws VaultUnavailable or VaultRefused within the deadline of the settings, or
 * of `signal` when that comes first. A token that Vault calls expired or revoked is replaced by one new login and the
 * call made once more; so is a call whose node lags behind (412), and one that changes nothing when its connection was
 * closed under it. Nothing that may have had an effect is repeated.
 */
export interface VaultClient {
  /** Undefined = 404: nothing is there. */
  read(path: string, signal?: AbortSignal): Promise<VaultData | undefined>;
  /** Names below `path`; empty when there are none. */
  list(path: string): Promise<readonly string[]>;
  /** The answer's `data`, empty when Vault answered without one. */
  write(path: string, body: object, signal?: AbortSignal): Promise<VaultData>;
  /** Idempotent: 404 is success. */
  remove(path: string): Promise<void>;
  /** Never throws, and needs no token. */
  health(): Promise<VaultHealth>;
  /** Calls that run are given up with VaultUnavailable `closed`; the token's renewal ends. Idempotent. */
  close(): Promise<void>;
}
