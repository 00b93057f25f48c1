// Transit's calls as this home makes them, and its answers, none of which is believed before it was looked at.
import type { VaultClient, VaultData } from "../../vault/ports.ts";
import { KeyHomeRefused } from "../ports.ts";
import { strangeAnswer, vaultAnswer } from "./failures.ts";

export type TransitKeyType = "ecdsa-p256" | "ed25519" | "rsa-3072" | "aes256-gcm96";

export interface TransitKey {
  readonly name: string;
  readonly latestVersion: number;
  /** As Transit shows it: PEM, or the raw bytes of Ed25519 in base64. Undefined = none of that version. */
  publicKey(version: number): string | undefined;
}

export interface WantedKey {
  readonly name: string;
  readonly type: TransitKeyType;
  readonly derived: boolean;
}

export interface Transit {
  /** Undefined = there is no such key. Throws KeyHomeRefused when it is not of the wanted kind, or could leave Vault. */
  find(wanted: WantedKey): Promise<TransitKey | undefined>;
  /** Idempotent: where the key is there, it is left as it is. */
  make(wanted: WantedKey): Promise<TransitKey>;
  /** For ever. Idempotent. */
  destroy(name: string): Promise<void>;
  /** Answers one member of `batch_results` an item, in their order. */
  batch(path: string, body: object, items: readonly object[]): Promise<readonly VaultData[]>;
  /** True when a key can come into being by being used, under a name that was mistyped or deleted. */
  upserts(): Promise<boolean>;
}

function isObject(value: unknown): value is VaultData {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Exportable and backed up in clear are flags that Vault never takes back. */
function requireKind(data: VaultData, { name, type, derived }: WantedKey): void {
  const leaves = data.exportable !== false || data.allow_plaintext_backup !== false || data.imported_key === true;
  if (leaves) throw new KeyHomeRefused(`the Transit key ${name} can be read outside Vault`);
  if (data.type !== type || data.derived !== derived)
    throw new KeyHomeRefused(`the Transit key ${name} is not of the kind that is used here`);
}

function readKey(data: VaultData, wanted: WantedKey): TransitKey {
  requireKind(data, wanted);
  const { latest_version: latestVersion, keys } = data;
  if (typeof latestVersion !== "number" || latestVersion < 1 || !isObject(keys)) throw strangeAnswer();
  return {
    name: wanted.name,
    latestVersion,
    publicKey(version) {
      const shown = keys[String(version)];
      return isObject(shown) && typeof shown.public_key === "string" ? shown.public_key : undefined;
    },
  };
}

function isGone(error: unknown): boolean {
  return error instanceof KeyHomeRefused && Object(error.cause).refusal === "key-not-found";
}

export function createTransit(client: VaultClient, mount: string): Transit {
  const write = (path: string, body: object) => vaultAnswer(client.write(`${mount}/${path}`, body));

  async function find(wanted: WantedKey): Promise<TransitKey | undefined> {
    const data = await vaultAnswer(client.read(`${mount}/keys/${wanted.name}`));
    return data && readKey(data, wanted);
  }

  return {
    find,
    async make(wanted) {
      await write(`keys/${wanted.name}`, { type: wanted.type, ...(wanted.derived ? { derived: true } : {}) });
      const made = await find(wanted);
      // A standby that lags behind; the next try finds it.
      if (made === undefined) throw strangeAnswer();
      return made;
    },
    async destroy(name) {
      try {
        await write(`keys/${name}/config`, { deletion_allowed: true });
      } catch (error) {
        if (isGone(error)) return;
        throw error;
      }
      await vaultAnswer(client.remove(`${mount}/keys/${name}`));
    },
    async batch(path, body, items) {
      const { batch_results: results } = await write(path, { ...body, batch_input: items });
      if (!Array.isArray(results) || results.length !== items.length || !results.every(isObject)) throw strangeAnswer();
      return results;
    },
    upserts: async () => (await vaultAnswer(client.read(`${mount}/config/keys`)))?.disable_upsert !== true,
  };
}
