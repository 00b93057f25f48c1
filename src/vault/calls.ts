// One call to Vault with whatever token: headers, the index of consistency, repeats of what may be repeated, and what
// observers are told.
import type { Secret } from "../kernel/secret.ts";
import { readAnswer, type VaultAnswer } from "./answer.ts";
import { newerIndex } from "./consistency.ts";
import { pauseUnder } from "./deadline.ts";
import { closedUnderway } from "./faults.ts";
import { changesNothing, templateOf } from "./paths.ts";
import { VaultUnavailable } from "./ports.ts";
import type { RawAnswer, VaultRequest, VaultTransport } from "./transport.ts";

export interface VaultCall {
  readonly method: VaultRequest["method"];
  readonly path: string;
  readonly list?: boolean;
  readonly body?: object;
  /** Undefined for a login. */
  readonly token: Secret<string> | undefined;
  readonly signal: AbortSignal;
}

export interface AnsweredCall extends VaultAnswer {
  readonly status: number;
}

/** Hears of every exchange. `outcome`: the status, or the fault of a VaultUnavailable. Both from closed sets. */
export type VaultObserver = (pathTemplate: string, outcome: string, seconds: number) => void;

export interface VaultCalls {
  /** Throws VaultUnavailable; any status is an answer. */
  call(call: VaultCall): Promise<AnsweredCall>;
}

export interface CallsDeps {
  readonly transport: VaultTransport;
  readonly namespace: string | undefined;
  readonly observe: VaultObserver;
}

/** A node that is behind catches up within a second, or it is ill. */
const pausesWhenBehind = [25, 50, 100, 200, 400];

export function createCalls({ transport, namespace, observe }: CallsDeps): VaultCalls {
  let index: string | undefined;

  function headersOf({ token, body }: VaultCall): Record<string, string> {
    return {
      // Vault Agent and Proxy can be set to refuse what lacks it, against forged requests of a server.
      "x-vault-request": "true",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { "x-vault-token": token.expose() }),
      ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
      ...(index === undefined ? {} : { "x-vault-index": index }),
    };
  }

  async function exchange(call: VaultCall): Promise<RawAnswer> {
    const { method, path, list = false, body, signal } = call;
    const template = templateOf(path);
    const begun = performance.now();
    const told = (outcome: string) => observe(template, outcome, (performance.now() - begun) / 1000);
    try {
      signal.throwIfAborted();
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await transport.exchange({ method, path, list, headers: headersOf(call), ...text }, signal);
      told(String(answer.status));
      return answer;
    } catch (error) {
      if (error instanceof VaultUnavailable) told(error.fault);
      throw error;
    }
  }

  /** Once more where the first attempt cannot have changed anything: an idle connection was closed under it, mostly. */
  async function exchangeTwice(call: VaultCall): Promise<RawAnswer> {
    try {
      return await exchange(call);
    } catch (error) {
      const harmless = call.method !== "POST" || changesNothing(call.path);
      if (!harmless || !closedUnderway(error)) throw error;
      return await exchange(call);
    }
  }

  async function untilCaughtUp(call: VaultCall): Promise<RawAnswer> {
    for (const pause of pausesWhenBehind) {
      const answer = await exchangeTwice(call);
      if (answer.status !== 412) return answer;
      await pauseUnder(pause, call.signal);
    }
    return await exchangeTwice(call);
  }

  return {
    async call(call) {
      const answer = await untilCaughtUp(call);
      index = newerIndex(index, answer.index);
      return { ...readAnswer(answer, templateOf(call.path)), status: answer.status };
    },
  };
}
