// The three logins: a token that was given, AppRole, and the service account of a Kubernetes pod.
import { Secret } from "../kernel/secret.ts";
import type { NamedFile } from "../tls/files.ts";
import { type Lease, readLease } from "./answer.ts";
import type { AnsweredCall, VaultCalls } from "./calls.ts";
import { readCredential } from "./credential.ts";
import { faultOfStatus } from "./faults.ts";
import { templateOf } from "./paths.ts";
import { type VaultData, VaultRefused, VaultUnavailable } from "./ports.ts";

export type LoginSettings =
  | { readonly method: "token"; readonly from: Secret<string> | NamedFile }
  | { readonly method: "approle"; readonly mount: string; readonly roleId: string; readonly secretIdFile: NamedFile }
  | { readonly method: "kubernetes"; readonly mount: string; readonly role: string; readonly jwtFile: NamedFile };

export interface VaultToken extends Lease {
  readonly token: Secret<string>;
}

export interface VaultLogin {
  readonly method: LoginSettings["method"];
  /** Throws StartRefused when the credential cannot be read. */
  readCredential(): Promise<Secret<string>>;
  /** Throws VaultUnavailable, or VaultRefused `login-refused`. */
  logIn(credential: Secret<string>, signal: AbortSignal): Promise<VaultToken>;
}

/** A wrong role, secret id or token: 400 or 403, and Vault's text differs from version to version. */
function requireLogin(answer: AnsweredCall, path: string): AnsweredCall {
  if (answer.status >= 200 && answer.status < 300) return answer;
  const fault = faultOfStatus(answer.status, answer.errors, templateOf(path));
  const refused = fault instanceof VaultRefused && (answer.status === 400 || answer.status === 403);
  throw refused ? new VaultRefused(answer.status, "login-refused", templateOf(path)) : fault;
}

const lookUpPath = "auth/token/lookup-self";

/** A token in its last second has a ttl of 0 too, but also a time at which it ends. */
function leaseOfLookup(data: VaultData): Lease | undefined {
  const lease = readLease(data, "ttl");
  const endless = data.expire_time === null || data.expire_time === undefined;
  return lease?.leaseMs === undefined && !endless && lease !== undefined ? { ...lease, leaseMs: 1 } : lease;
}

async function lookUp(calls: VaultCalls, token: Secret<string>, signal: AbortSignal): Promise<VaultToken> {
  const answer = requireLogin(await calls.call({ method: "GET", path: lookUpPath, token, signal }), lookUpPath);
  const lease = leaseOfLookup(answer.data);
  if (lease === undefined) throw new VaultUnavailable("answer", lookUpPath);
  return { ...lease, token };
}

/** Whether Vault takes this token at all, whatever it may do. */
export async function isAccepted(calls: VaultCalls, token: Secret<string>, signal: AbortSignal): Promise<boolean> {
  const { status } = await calls.call({ method: "GET", path: lookUpPath, token, signal });
  return status !== 403;
}

/** Undefined when it is no text that fits a header. */
function secretText(value: unknown): Secret<string> | undefined {
  return typeof value === "string" && /^[\x21-\x7e]{1,65536}$/.test(value) ? new Secret(value) : undefined;
}

async function exchangeFor(calls: VaultCalls, path: string, body: object, signal: AbortSignal): Promise<VaultToken> {
  const answer = await calls.call({ method: "POST", path, body, token: undefined, signal });
  const { auth } = requireLogin(answer, path);
  const token = secretText(auth?.client_token);
  const lease = auth === undefined ? undefined : readLease(auth, "lease_duration");
  if (token === undefined || lease === undefined) throw new VaultUnavailable("answer", templateOf(path));
  return { ...lease, token };
}

function fromToken({ from }: Extract<LoginSettings, { method: "token" }>, calls: VaultCalls): VaultLogin {
  return {
    method: "token",
    readCredential: async () => (from instanceof Secret ? from : await readCredential(from, true)),
    logIn: (token, signal) => lookUp(calls, token, signal),
  };
}

export function createLogin(settings: LoginSettings, calls: VaultCalls): VaultLogin {
  if (settings.method === "token") return fromToken(settings, calls);
  const path = `auth/${settings.mount}/login`;
  if (settings.method === "approle")
    return {
      method: "approle",
      readCredential: () => readCredential(settings.secretIdFile, true),
      logIn: (secretId, signal) =>
        exchangeFor(calls, path, { role_id: settings.roleId, secret_id: secretId.expose() }, signal),
    };
  return {
    method: "kubernetes",
    readCredential: () => readCredential(settings.jwtFile, false),
    logIn: (jwt, signal) => exchangeFor(calls, path, { role: settings.role, jwt: jwt.expose() }, signal),
  };
}
