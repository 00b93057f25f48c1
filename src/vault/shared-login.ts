// One login for all who wait for one, and for a moment one answer when it failed, so that a refused credential or a sealed
// Vault is not asked once for each call.
import type { Logger } from "../kernel/logger.ts";
import type { Secret } from "../kernel/secret.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import { startDeadline } from "./deadline.ts";
import type { VaultLogin, VaultToken } from "./login.ts";
import { VaultRefused, VaultUnavailable } from "./ports.ts";

export interface SharedLoginDeps {
  readonly login: VaultLogin;
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number;
  /** Is told of each token before anybody else gets it. */
  readonly onToken: (token: VaultToken) => void;
}

export interface SharedLogin {
  /** Joins the login under way. Throws VaultUnavailable or VaultRefused. */
  run(): Promise<VaultToken>;
  /** The same, but a login that failed a moment ago is not tried again. */
  runUnlessFailed(): Promise<VaultToken>;
}

const rememberedMs = { refused: 1_000, unavailable: 200 };

export function createSharedLogin({ login, timeoutMs, logger, monotonic, onToken }: SharedLoginDeps): SharedLogin {
  let running: Promise<VaultToken> | undefined;
  let failed: { readonly error: unknown; readonly untilMs: number } | undefined;

  /** The sentence about an unreadable file is for the operator; callers learn that there is no login. */
  async function credential(): Promise<Secret<string>> {
    try {
      return await login.readCredential();
    } catch (error) {
      if (!(error instanceof StartRefused)) throw error;
      logger.warn({ fault: error.message }, "the credential for vault cannot be read");
      throw new VaultUnavailable("credential-file", "login");
    }
  }

  async function logIn(): Promise<VaultToken> {
    using deadline = startDeadline(timeoutMs, "login");
    const token = await login.logIn(await credential(), deadline.signal);
    const { leaseMs, renewable } = token;
    logger.info({ method: login.method, lease_seconds: (leaseMs ?? 0) / 1000, renewable }, "logged in to vault");
    onToken(token);
    return token;
  }

  function note(error: unknown): never {
    const ms = rememberedMs[error instanceof VaultRefused ? "refused" : "unavailable"];
    failed = { error, untilMs: monotonic() + ms };
    throw error;
  }

  function run(): Promise<VaultToken> {
    running ??= logIn()
      .catch(note)
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  return {
    run,
    async runUnlessFailed() {
      if (running === undefined && failed !== undefined && monotonic() < failed.untilMs) throw failed.error;
      return await run();
    },
  };
}
