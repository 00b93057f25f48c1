// The client: a safe path, a token, one call under one deadline, and its answer as data or as one of two errors.
import type { Secret } from "../kernel/secret.ts";
import type { AnsweredCall, VaultCall, VaultCalls } from "./calls.ts";
import { startDeadline } from "./deadline.ts";
import { faultOfStatus } from "./faults.ts";
import { isAccepted } from "./login.ts";
import { requireSafePath, templateOf } from "./paths.ts";
import { type VaultClient, VaultRefused, VaultUnavailable } from "./ports.ts";
import type { VaultSession } from "./session.ts";

export interface ClientDeps extends Pick<VaultClient, "health" | "close"> {
  readonly calls: VaultCalls;
  readonly session: VaultSession;
  readonly timeoutMs: number;
}

type Wanted = Pick<VaultCall, "method" | "path" | "list" | "body">;

const deadToken = /\b(invalid|bad|expired) token\b/i;

/** What is there to say to a caller about an answer that is no success. */
function failure({ status, errors }: AnsweredCall, path: string): VaultUnavailable | VaultRefused {
  return faultOfStatus(status, errors, templateOf(path));
}

function succeeded({ status }: AnsweredCall): boolean {
  return status >= 200 && status < 300;
}

export function createVaultClient({ calls, session, timeoutMs, health, close }: ClientDeps): VaultClient {
  /** 403 is all that Vault says of a token that ended and of a right that lacks. */
  async function isDead(token: Secret<string>, { errors }: AnsweredCall, signal: AbortSignal): Promise<boolean> {
    if (session.held() !== token) return true;
    if (errors.some((text) => deadToken.test(text))) return true;
    return !(await isAccepted(calls, token, signal));
  }

  async function withToken(wanted: Wanted, signal: AbortSignal): Promise<AnsweredCall> {
    const token = await session.token(signal);
    const answer = await calls.call({ ...wanted, token, signal });
    if (answer.status !== 403 || !(await isDead(token, answer, signal)) || !session.discard(token)) return answer;
    return await calls.call({ ...wanted, token: await session.token(signal), signal });
  }

  async function ask(wanted: Wanted, also?: AbortSignal): Promise<AnsweredCall> {
    requireSafePath(wanted.path);
    using deadline = startDeadline(timeoutMs, templateOf(wanted.path), also);
    return await withToken(wanted, deadline.signal);
  }

  /** Undefined = nothing is there; a wrong mount says 404 as well, and is a refusal. */
  async function find(wanted: Wanted, also?: AbortSignal): Promise<AnsweredCall | undefined> {
    const answer = await ask(wanted, also);
    if (succeeded(answer)) return answer;
    const fault = failure(answer, wanted.path);
    if (fault instanceof VaultRefused && fault.refusal === "not-found") return undefined;
    throw fault;
  }

  return {
    async read(path, signal) {
      return (await find({ method: "GET", path }, signal))?.data;
    },
    async list(path) {
      const keys = (await find({ method: "GET", path, list: true }))?.data.keys ?? [];
      if (Array.isArray(keys) && keys.every((key) => typeof key === "string")) return keys;
      throw new VaultUnavailable("answer", templateOf(path));
    },
    async write(path, body, signal) {
      const answer = await ask({ method: "POST", path, body }, signal);
      if (!succeeded(answer)) throw failure(answer, path);
      return answer.data;
    },
    async remove(path) {
      await find({ method: "DELETE", path });
    },
    health,
    close,
  };
}
