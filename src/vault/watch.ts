// Whether Vault is of use, known from memory: asked once a second, so that a loss shows and a return is noticed while
// nobody needs a key.
import type { Logger } from "../kernel/logger.ts";
import { startDeadline } from "./deadline.ts";
import type { VaultHealth } from "./ports.ts";
import { vaultSentence } from "./sentences.ts";
import type { VaultSession } from "./session.ts";

export interface VaultWatch {
  /** As of the last look; true before the first. */
  readonly healthy: boolean;
  /** Looks once, now. */
  look(): Promise<void>;
  stop(): void;
}

export interface WatchDeps {
  readonly health: () => Promise<VaultHealth>;
  readonly session: VaultSession;
  /** Whether Vault takes the session's token; discards it when not. */
  readonly checkToken: (signal: AbortSignal) => Promise<void>;
  readonly timeoutMs: number;
  readonly logger: Logger;
  readonly intervalMs?: number;
}

const defaultIntervalMs = 1_000;
/** Looking a token up is a line in Vault's audit log, which asking for health is not. */
const looksPerTokenCheck = 10;

export function startVaultWatch(deps: WatchDeps): VaultWatch {
  const { health, session, checkToken, timeoutMs, logger, intervalMs = defaultIntervalMs } = deps;
  let healthy = true;
  let looks = 0;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function fault(): Promise<string | undefined> {
    const state = await health();
    if (state !== "active" && state !== "standby") return `is ${state}`;
    looks += 1;
    try {
      using deadline = startDeadline(timeoutMs, "health");
      if (looks % looksPerTokenCheck === 0) await checkToken(deadline.signal);
      await session.token(deadline.signal);
      return undefined;
    } catch (error) {
      return vaultSentence(error) ?? "cannot be asked";
    }
  }

  async function look(): Promise<void> {
    const found = await fault();
    if (stopped || healthy === (found === undefined)) return;
    healthy = found === undefined;
    if (healthy) logger.info({}, "vault is of use again");
    else logger.warn({ fault: found }, "vault is of no use; what needs a key from it answers UNAVAILABLE");
  }

  function again(): void {
    if (!stopped) timer = setTimeout(() => void look().finally(again), intervalMs).unref();
  }

  again();
  return {
    get healthy() {
      return healthy;
    },
    look,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
