// Puts the parts of the client together. Nothing is asked of Vault here; `requireUsable` does, and whoever starts decides.
import type { Logger } from "../kernel/logger.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import type { NamedFile } from "../tls/files.ts";
import { readAuthorities } from "../tls/server-trust.ts";
import { readLease } from "./answer.ts";
import { createCalls, type VaultCalls, type VaultObserver } from "./calls.ts";
import { createVaultClient } from "./client.ts";
import { startDeadline } from "./deadline.ts";
import { faultOfStatus } from "./faults.ts";
import { createHealthCheck } from "./health.ts";
import { createLogin, isAccepted, type LoginSettings } from "./login.ts";
import { type VaultClient, VaultUnavailable } from "./ports.ts";
import { vaultSentence } from "./sentences.ts";
import { createSession, type SessionDeps, type VaultSession } from "./session.ts";
import { createTransport } from "./transport.ts";
import { startVaultWatch, type VaultWatch } from "./watch.ts";

export interface VaultSettings {
  readonly address: string;
  readonly caFile: NamedFile | undefined;
  readonly namespace: string | undefined;
  readonly timeoutMs: number;
  readonly login: LoginSettings;
}

export interface OpenVaultDeps {
  readonly logger: Logger;
  /** Default: nobody watches. */
  readonly observe?: VaultObserver;
  /** Milliseconds that only go forward. */
  readonly monotonic?: () => number;
}

export interface OpenedVault extends VaultClient {
  /** Logs in. Throws StartRefused in one sentence that says what is wrong. */
  requireUsable(): Promise<void>;
  /** Ends with `close`. */
  watch(): VaultWatch;
}

const longestHealthMs = 1_000;
const farewellMs = 500;

function renewalBy(calls: VaultCalls): SessionDeps["renew"] {
  const path = "auth/token/renew-self";
  return async (token, signal) => {
    const { status, auth, errors } = await calls.call({ method: "POST", path, body: {}, token, signal });
    if (status !== 200) throw faultOfStatus(status, errors, path);
    const lease = auth === undefined ? undefined : readLease(auth, "lease_duration");
    if (lease === undefined) throw new VaultUnavailable("answer", path);
    return lease;
  };
}

/** Tokens of our own logins are given back, so that restarts do not heap up leases. A given token belongs to its giver. */
async function giveBack(calls: VaultCalls, session: VaultSession, method: LoginSettings["method"]): Promise<void> {
  const token = session.held();
  if (token === undefined || method === "token") return;
  using deadline = startDeadline(farewellMs, "auth/token/revoke-self");
  await calls
    .call({ method: "POST", path: "auth/token/revoke-self", body: {}, token, signal: deadline.signal })
    .catch(() => undefined);
}

/** Throws StartRefused when a file that the settings name cannot be used. */
export async function openVault(settings: VaultSettings, deps: OpenVaultDeps): Promise<OpenedVault> {
  const { address, caFile, namespace, timeoutMs } = settings;
  const { logger, observe = () => {}, monotonic = () => performance.now() } = deps;
  const ca = caFile === undefined ? undefined : readAuthorities(caFile);
  const transport = await createTransport({ address, ca, timeoutMs });
  const calls = createCalls({ transport, namespace, observe });
  const login = createLogin(settings.login, calls);
  const session = createSession({ login, renew: renewalBy(calls), timeoutMs, logger, monotonic });
  const health = createHealthCheck({ transport, timeoutMs: Math.min(timeoutMs, longestHealthMs) });
  const watches = new Set<VaultWatch>();

  async function close(): Promise<void> {
    for (const watch of watches) watch.stop();
    await giveBack(calls, session, login.method);
    session.close();
    await transport.close();
  }

  async function checkToken(signal: AbortSignal): Promise<void> {
    const token = session.held();
    if (token !== undefined && !(await isAccepted(calls, token, signal))) session.discard(token);
  }

  return {
    ...createVaultClient({ calls, session, timeoutMs, health, close }),
    async requireUsable() {
      await login.readCredential();
      try {
        using deadline = startDeadline(timeoutMs, "login");
        await session.token(deadline.signal);
      } catch (error) {
        const sentence = vaultSentence(error);
        throw sentence === undefined ? error : new StartRefused(`Vault at ${address} ${sentence}`);
      }
    },
    watch() {
      const watch = startVaultWatch({ health, session, checkToken, timeoutMs, logger });
      watches.add(watch);
      return watch;
    },
  };
}
