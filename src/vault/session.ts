// The token of this process: held while Vault takes it, renewed in the background, replaced by a new login when renewals end.
import type { Logger } from "../kernel/logger.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Lease } from "./answer.ts";
import { startDeadline, waitUnder } from "./deadline.ts";
import type { VaultLogin, VaultToken } from "./login.ts";
import { VaultRefused, VaultUnavailable } from "./ports.ts";
import { graceOf, nextStep, pauseAfter } from "./renewal.ts";
import { createSharedLogin } from "./shared-login.ts";
import { createTimer } from "./timer.ts";

export interface SessionDeps {
  readonly login: VaultLogin;
  /** Throws VaultUnavailable or VaultRefused. */
  readonly renew: (token: Secret<string>, signal: AbortSignal) => Promise<Lease>;
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number;
}

export interface VaultSession {
  /** Waits for a login when there is no token. Throws VaultUnavailable or VaultRefused. */
  token(signal: AbortSignal): Promise<Secret<string>>;
  /** Vault takes this token no more. False = it is too young to be dead: what it was refused is beyond its rights. */
  discard(token: Secret<string>): boolean;
  /** Undefined = none at the moment. */
  held(): Secret<string> | undefined;
  close(): void;
}

interface Held extends VaultToken {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly graceMs: number;
}

const youngMs = 1_000;
/** A lease of a second or two must not become a storm. */
const shortestStepMs = 250;

/** As long as renewals give as much as before, each has a grace of its own; once they shrink, the last one stays. */
function graceAfter(leaseMs: number, before: Held | undefined): number {
  const shrinks = before?.leaseMs !== undefined && leaseMs <= before.leaseMs;
  return shrinks ? before.graceMs : graceOf(leaseMs);
}

export function createSession({ login, renew, timeoutMs, logger, monotonic }: SessionDeps): VaultSession {
  const timer = createTimer();
  const onToken = (token: VaultToken) => keep(token, undefined);
  const logins = createSharedLogin({ login, timeoutMs, logger, monotonic, onToken });
  let held: Held | undefined;
  let failures = 0;
  let closed = false;

  function keep(token: VaultToken, before: Held | undefined): void {
    if (closed) return;
    failures = 0;
    const sinceMs = monotonic();
    const { leaseMs = Number.POSITIVE_INFINITY, renewable } = token;
    const graceMs = token.leaseMs === undefined ? 0 : graceAfter(leaseMs, before);
    held = { ...token, sinceMs: before?.sinceMs ?? sinceMs, untilMs: sinceMs + leaseMs, graceMs };
    if (token.leaseMs === undefined) {
      timer.stop();
      return;
    }
    const { step, afterMs } = nextStep({ remainingMs: leaseMs, graceMs, renewable });
    later(step, afterMs);
  }

  function later(step: "renew" | "log in", afterMs: number): void {
    const run = step === "renew" ? renewHeld : replace;
    if (!closed) timer.start(Math.max(afterMs, shortestStepMs), () => void run());
  }

  function again(step: "renew" | "log in", error: unknown, message: string): void {
    failures += 1;
    logger.warn({ err: error, failures }, message);
    later(step, pauseAfter(failures));
  }

  /** Until it works the old token serves, as long as it lasts. */
  async function replace(): Promise<void> {
    try {
      await logins.run();
    } catch (error) {
      again("log in", error, "no new login to vault yet; the last token serves as long as it lasts");
    }
  }

  async function renewHeld(): Promise<void> {
    const before = held;
    if (before === undefined || monotonic() >= before.untilMs) return await replace();
    try {
      using deadline = startDeadline(timeoutMs, "auth/token/renew-self");
      const lease = await renew(before.token, deadline.signal);
      if (held === before) keep({ ...lease, token: before.token }, before);
    } catch (error) {
      if (held !== before) return;
      if (error instanceof VaultRefused) await replace();
      else again("renew", error, "the token for vault was not renewed yet");
    }
  }

  function live(): Held | undefined {
    return held !== undefined && monotonic() < held.untilMs ? held : undefined;
  }

  return {
    async token(signal) {
      const now = live();
      if (now !== undefined) return now.token;
      if (closed) throw new VaultUnavailable("closed", "login");
      return (await waitUnder(logins.runUnlessFailed(), signal)).token;
    },
    discard(token) {
      if (held?.token !== token) return true;
      if (monotonic() - held.sinceMs < youngMs) return false;
      held = undefined;
      timer.stop();
      return true;
    },
    held: () => live()?.token,
    close() {
      closed = true;
      held = undefined;
      timer.stop();
    },
  };
}
