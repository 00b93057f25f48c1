// Opens the home of the keys that the settings name, and while keys move the one that they come from. What the database says
// about where its keys are wrapped is held against it, so that no process works on keys that it would only half understand.
import type { Clock } from "../kernel/clock.ts";
import { GatehouseError } from "../kernel/errors.ts";
import { type Metrics, noMetrics } from "../kernel/metrics.ts";
import type { Secret } from "../kernel/secret.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import { homeFailure } from "./failures.ts";
import { openLocalHome } from "./local/open.ts";
import { createMovingWrapper } from "./moving/wrapper.ts";
import type { DataKeyRow, FormerSigningKey, KeyWrapper, SigningKeyHome } from "./ports.ts";
import type { VaultLink } from "./vault/open.ts";

export type HomeName = SigningKeyHome["name"];

export interface OpenHomeOptions {
  readonly home: HomeName;
  /** For `gatehouse keys migrate` alone: keys that are still wrapped there are opened as well. */
  readonly movingFrom?: HomeName | undefined;
  /** For `gatehouse keys rotate-wrapping` alone, of the home `local`. */
  readonly rotateWrapping?: boolean | undefined;
  readonly dataDir: string;
  /** Undefined = the one beside the keys. */
  readonly masterKey: Secret<string> | undefined;
  /** For the home `vault`. */
  readonly vault?: VaultLink | undefined;
  readonly installationId: string;
  readonly clock: Clock;
  /** Default: nothing is counted. */
  readonly metrics?: Metrics;
}

export interface OpenedHome {
  readonly signing: SigningKeyHome;
  readonly wrapper: KeyWrapper;
  /** Signing keys that it kept by itself in former times, and how they are forgotten once they are taken over. */
  readonly former: readonly FormerSigningKey[];
  forgetFormer(): Promise<void>;
  readonly masterKeyIsExternal: boolean;
  close(): void;
}

/** For the start: a home that is of no use is one sentence for the operator. */
export async function homeOrRefusal<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const asked = error instanceof GatehouseError && error.reason === "KEYS_UNAVAILABLE" ? error.cause : error;
    const failure = homeFailure(asked);
    throw failure === undefined ? error : new StartRefused(`no keys: ${failure.message}`, { cause: error });
  }
}

/** By the id beside the wrapped key. */
function homeOfKek(kekId: string): HomeName {
  return kekId.startsWith("vault-") ? "vault" : "local";
}

function isIn(home: HomeName): (row: DataKeyRow) => boolean {
  return ({ wrapped }) => homeOfKek(wrapped.kekId) === home;
}

function requireHome(home: HomeName, rows: readonly DataKeyRow[]): void {
  const inside = rows.filter(isIn(home)).length;
  if (inside === rows.length) return;
  const other = home === "local" ? "vault" : "local";
  throw new StartRefused(
    inside === 0
      ? `the keys of this database are in the home \`${other}\`: set GATEHOUSE_KEYS=${other}, or move them with \`gatehouse keys migrate ${other} ${home}\``
      : "the keys of this database were being moved from one home to another: end that with `gatehouse keys migrate`",
  );
}

async function meteredLink(vault: VaultLink | undefined, metrics: Metrics): Promise<VaultLink> {
  if (vault === undefined) throw new StartRefused("GATEHOUSE_KEYS=vault needs VAULT_ADDR");
  const { batchMeter } = await import("./vault/meters.ts");
  return { onBatch: batchMeter(metrics), ...vault };
}

async function openOne(home: HomeName, options: OpenHomeOptions, mayCreate: boolean): Promise<OpenedHome> {
  if (home === "local") return await openLocalHome({ ...options, mayCreate });
  const { openVaultHome } = await import("./vault/open.ts");
  const vault = await meteredLink(options.vault, options.metrics ?? noMetrics);
  const { installationId } = options;
  const opened = await homeOrRefusal(openVaultHome({ vault, installationId, mayCreate }));
  return { ...opened, former: [], forgetFormer: async () => {}, masterKeyIsExternal: true, close: () => {} };
}

/** `rows`: the wrapped keys that the database holds. Throws StartRefused. */
export async function openHomes(options: OpenHomeOptions, rows: readonly DataKeyRow[]): Promise<OpenedHome> {
  const { home, movingFrom } = options;
  if (movingFrom === undefined) requireHome(home, rows);
  const to = await openOne(home, options, !rows.some(isIn(home)));
  if (movingFrom === undefined) return to;
  const from = await openOne(movingFrom, options, false);
  if (from.former.length > 0) {
    from.close();
    throw new StartRefused(`signing keys are still in a file: start the server once with GATEHOUSE_KEYS=${movingFrom}`);
  }
  return {
    ...to,
    wrapper: createMovingWrapper({ to: to.wrapper, from: from.wrapper, isInTarget: (id) => homeOfKek(id) === home }),
    close() {
      to.close();
      from.close();
    },
  };
}
