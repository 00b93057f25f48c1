// The client as the product opens it, with what a test wants otherwise, and what it said to the log and to its observer.
import { Secret } from "../../../src/kernel/secret.ts";
import { type OpenedVault, openVault, type VaultSettings } from "../../../src/vault/open.ts";
import { type VaultAdmin, vaultAdmin } from "../../fixtures/vault/admin.ts";

export interface Observed {
  readonly pathTemplate: string;
  readonly outcome: string;
}

export interface TestClient {
  readonly vault: OpenedVault;
  /** Every line of the log as one text. */
  log(): string;
  /** Every exchange, in order. */
  readonly seen: readonly Observed[];
  /** Exchanges with this path, the login's for instance. */
  count(pathTemplate: string): number;
  /** The client's clock, not its timers, goes forward. */
  later(ms: number): void;
  /** From now on only `later` moves the client's clock: a busy machine may let its moments pass under a test. */
  standStill(): void;
}

export function tokenLogin(token: string): VaultSettings["login"] {
  return { method: "token", from: new Secret(token) };
}

export async function openClient(
  address: string,
  login: VaultSettings["login"],
  other: Partial<VaultSettings> = {},
): Promise<TestClient> {
  const lines: string[] = [];
  const seen: Observed[] = [];
  let ahead = 0;
  let stoodAt: number | undefined;
  const say = (fields: object, message: string) => {
    const err = (fields as { readonly err?: unknown }).err;
    lines.push(JSON.stringify({ ...fields, ...(err instanceof Error ? { err: `${err.stack}` } : {}), message }));
  };
  const settings = { address, caFile: undefined, namespace: undefined, timeoutMs: 15_000, login, ...other };
  const vault = await openVault(settings, {
    logger: { debug: say, info: say, warn: say, error: say },
    monotonic: () => (stoodAt ?? performance.now()) + ahead,
    observe: (pathTemplate, outcome) => void seen.push({ pathTemplate, outcome }),
  });
  return {
    vault,
    later: (ms) => {
      ahead += ms;
    },
    standStill: () => {
      stoodAt ??= performance.now();
    },
    log: () => lines.join("\n"),
    seen,
    count: (pathTemplate) => seen.filter((one) => one.pathTemplate === pathTemplate).length,
  };
}

/** As another administrator's token. */
export function withToken(address: string, token: string): VaultAdmin {
  return vaultAdmin(
    () => address,
    () => token,
  );
}

/** Asks again until it is so; each question takes the time that it takes. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

/** What it throws, which it must. */
export async function failure(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("it did not fail");
}
