// What a Postgres URL says of TLS, without the middle ground: a server on this machine may be plain, any other is verified
// in full (NET-04). The modes between them only look safe: `require` encrypts for whoever answers, `prefer` for nobody who
// minds, `verify-ca` for any server of the authority.
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { StartRefused } from "../kernel/start-refused.ts";
import { readAuthorities, verifyingOptions } from "../tls/server-trust.ts";

export interface UrlSecurity {
  /** The URL without what it says of TLS, which the driver would read in a way of its own. */
  readonly rest: string;
  readonly mode: "disable" | "verify-full" | undefined;
  readonly rootCertificate: string | undefined;
}

const caSetting = "GATEHOUSE_DATABASE_CA_FILE";

function modeOf(setting: string, given: string | null): UrlSecurity["mode"] {
  if (given === null || given === "disable" || given === "verify-full") return given ?? undefined;
  throw new StartRefused(
    `${setting} has an sslmode other than verify-full and disable, which would accept a server that nobody verified: use sslmode=verify-full`,
  );
}

/** Throws StartRefused about what the URL should not say; `setting` names it, because the URL itself holds a password. */
export function readUrlSecurity(setting: string, url: string): UrlSecurity {
  const [address = "", ...query] = url.split("?");
  const parameters = new URLSearchParams(query.join("?"));
  for (const name of new Set(parameters.keys())) {
    if (parameters.getAll(name).length > 1) throw new StartRefused(`${setting} has the same parameter twice`);
    // Also `ssl`, `sslcert` and whatever the next release of the driver understands.
    const known = name === "sslmode" || name === "sslrootcert";
    if (!known && /ssl|libpqcompat/i.test(name))
      throw new StartRefused(`${setting} has a parameter about TLS other than sslmode and sslrootcert`);
  }
  const mode = modeOf(setting, parameters.get("sslmode"));
  const rootCertificate = parameters.get("sslrootcert") ?? undefined;
  parameters.delete("sslmode");
  parameters.delete("sslrootcert");
  const left = parameters.toString();
  return { rest: left === "" ? address : `${address}?${left}`, mode, rootCertificate };
}

const distrust = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_|ERR_TLS_CERT_|ERR_SSL_)[A-Z_]+$/;

/** Why a server is not believed to be ours; undefined = what failed was something else. */
export function trustFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.message === "The server does not support SSL connections") return "it speaks no TLS";
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return distrust.test(code) ? `its certificate is not accepted (${code})` : undefined;
}

function onThisMachine(host: string): boolean {
  if (host.startsWith("/") || host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

export interface SecurityQuestion {
  readonly setting: string;
  readonly host: string;
  readonly security: UrlSecurity;
  /** Path that GATEHOUSE_DATABASE_CA_FILE holds. */
  readonly caFile: string | undefined;
}

function authorities({ setting, security, caFile }: SecurityQuestion): string | undefined {
  const { rootCertificate } = security;
  if (rootCertificate !== undefined && caFile !== undefined)
    throw new StartRefused(`${setting} has a sslrootcert although ${caSetting} is given: keep one of them`);
  // As libpq has it: the authorities that everybody trusts.
  if (rootCertificate === "system") return undefined;
  const [from, path] = caFile === undefined ? [`sslrootcert of ${setting}`, rootCertificate] : [caSetting, caFile];
  return path === undefined ? undefined : readAuthorities({ setting: from, path });
}

/** False = in plaintext. Throws StartRefused. */
export function connectionSecurity(question: SecurityQuestion): ConnectionOptions | false {
  const { setting, host, security } = question;
  const near = onThisMachine(host);
  const asked = security.rootCertificate !== undefined || question.caFile !== undefined;
  const mode = security.mode ?? (near && !asked ? "disable" : "verify-full");
  if (mode === "verify-full") {
    if (host.startsWith("/")) throw new StartRefused(`${setting} names a Unix socket, which speaks no TLS`);
    return verifyingOptions({ host, ca: authorities(question) });
  }
  if (asked) throw new StartRefused(`${setting} says sslmode=disable although an authority is given: keep one of them`);
  if (near) return false;
  throw new StartRefused(`${setting} says sslmode=disable for a server on another machine: use sslmode=verify-full`);
}
