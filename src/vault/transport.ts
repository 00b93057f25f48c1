// The one place that speaks HTTP to Vault: bounded answers, verified servers, no redirects, no proxy, nothing printed. The
// connections are this client's own, so no setting of the process (HTTP_PROXY, NODE_TLS_REJECT_UNAUTHORIZED, a global agent)
// reaches them.
import type { buildConnector, Dispatcher } from "undici";
import { type ServerTrust, verifyingOptions } from "../tls/server-trust.ts";
import { faultOfError } from "./faults.ts";
import { templateOf } from "./paths.ts";

export interface VaultRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Safe names; checked by the client. */
  readonly path: string;
  readonly list?: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
  /** X-Vault-Index: how far the storage is after this call (Vault Enterprise). */
  readonly index: string | undefined;
}

export interface VaultTransport {
  /** Throws VaultUnavailable and nothing else; an answer of any status is an answer. */
  exchange(request: VaultRequest, signal: AbortSignal): Promise<RawAnswer>;
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly address: string;
  /** Authorities in PEM; undefined = the public ones. */
  readonly ca: string | undefined;
  /** For connecting, and for the silence before and in an answer. */
  readonly timeoutMs: number;
}

/** Batches keep few connections busy; what is beyond them waits here, under its deadline. */
const connections = 8;
/** Vault itself closes idle ones after five minutes, balancers after one: ours go first. */
const idleMs = 30_000;
/** Vault takes at most 32 MiB of a request; the answers to our batches have some kilobytes. */
const largestAnswer = 8 * 1024 * 1024;

function trustOf({ address, ca }: TransportOptions): ServerTrust {
  return { host: new URL(address).hostname.replace(/^\[|\]$/g, ""), ca };
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.at(-1);
}

/** undici's type asks for a port that it takes from the address. */
function connectOptions(options: TransportOptions): buildConnector.BuildOptions {
  const trust = options.address.startsWith("https:") ? verifyingOptions(trustOf(options)) : {};
  return { ...trust, timeout: options.timeoutMs } as buildConnector.BuildOptions;
}

async function createPool(options: TransportOptions): Promise<Dispatcher> {
  const { Pool } = await import("undici");
  const { address, timeoutMs } = options;
  return new Pool(address, {
    connections,
    allowH2: false,
    // An answer that was cut off must not be taken for the next one's.
    pipelining: 1,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: largestAnswer,
    // A resumed session would outlive a changed authority.
    maxCachedSessions: 0,
    connect: connectOptions(options),
  });
}

/** undici is loaded here, for those who have a Vault. */
export async function createTransport(options: TransportOptions): Promise<VaultTransport> {
  const pool = await createPool(options);
  return {
    async exchange({ method, path, list, headers, body }, signal) {
      try {
        const answer = await pool.request({
          method,
          path: `/v1/${path}${list === true ? "?list=true" : ""}`,
          headers,
          body: body ?? null,
          signal,
        });
        return {
          status: answer.statusCode,
          text: await answer.body.text(),
          index: single(answer.headers["x-vault-index"]),
        };
      } catch (error) {
        throw faultOfError(error, templateOf(path));
      }
    },
    close: () => pool.destroy(),
  };
}
