// KeyWrapper of Vault: data keys from our own CSPRNG, wrapped by one Transit key that derives another key for every context, so
// that a wrapped key which was moved opens nowhere, and Transit's own `rewrap` keeps it so (it drops additional data).
import { randomBytes } from "node:crypto";
import type { VaultData } from "../../vault/ports.ts";
import { canonicalTuple } from "../canonical-tuple.ts";
import { aeadKeyBytes } from "../committing-aead.ts";
import { KeyHomeRefused, type KeyWrapper, type UnwrapItem, type WrappedKey } from "../ports.ts";
import { type BatchSettings, createBatches } from "./batches.ts";
import { strangeAnswer } from "./failures.ts";
import type { Transit } from "./transit.ts";

export interface VaultWrapperDeps {
  readonly installationId: string;
  readonly kekId: string;
  /** Of the Transit key. */
  readonly name: string;
  readonly transit: Transit;
  readonly batches: BatchSettings;
}

interface WrapItem {
  readonly dataKey: Buffer;
  readonly context: Buffer;
}

/** IV, key and tag of AES-256-GCM: what Transit makes of 32 bytes. */
const wrappedBytes = 12 + aeadKeyBytes + 16;
const ciphertextForm = /^vault:v([1-9]\d{0,8}):([A-Za-z0-9+/]{1,1024}={0,2})$/;
const newestVersion = 999_999_999;

/** Vault's words for a version that somebody has locked away: no fault of the data. */
const lockedAway = /too old|disallowed by policy/;

/** So that the caller's wait for a key is told from data that is damaged. */
interface Opened {
  readonly dataKey: Buffer | undefined;
}

function readWrapped(result: VaultData, kekId: string): WrappedKey {
  const match = typeof result.ciphertext === "string" ? ciphertextForm.exec(result.ciphertext) : null;
  const ciphertext = Buffer.from(match?.[2] ?? "", "base64");
  if (ciphertext.length !== wrappedBytes) throw strangeAnswer();
  return { kekId, kekVersion: Number(match?.[1]), ciphertext };
}

function readOpened(result: VaultData): Opened | Error {
  const { plaintext, error } = result;
  if (typeof error === "string" && lockedAway.test(error))
    return new KeyHomeRefused("Vault no longer opens with that version of the wrapping key");
  const dataKey = typeof plaintext === "string" ? Buffer.from(plaintext, "base64") : undefined;
  return { dataKey: dataKey?.length === aeadKeyBytes ? dataKey : undefined };
}

function refusedAsBad(error: unknown): boolean {
  return error instanceof KeyHomeRefused && Object(error.cause).refusal === "bad-request";
}

export function createVaultWrapper({ installationId, kekId, name, transit, batches }: VaultWrapperDeps): KeyWrapper {
  /** Never empty, which Transit would take for "not derived" and refuse the whole batch for. */
  function bound(context: Buffer): string {
    return canonicalTuple(["gatehouse/vault-wrap/v1", installationId, kekId, context]).toString("base64");
  }

  async function wrapBatch(items: readonly WrapItem[]): Promise<readonly WrappedKey[]> {
    const input = items.map(({ dataKey, context }) => ({
      plaintext: dataKey.toString("base64"),
      context: bound(context),
    }));
    const results = await transit.batch(`encrypt/${name}`, {}, input);
    return results.map((result) => readWrapped(result, kekId));
  }

  async function unwrapBatch(items: readonly UnwrapItem[]): Promise<readonly (Opened | Error)[]> {
    const input = items.map(({ wrapped: { kekVersion, ciphertext }, context }) => ({
      ciphertext: `vault:v${kekVersion}:${ciphertext.toString("base64")}`,
      context: bound(context),
    }));
    try {
      const results = await transit.batch(`decrypt/${name}`, { partial_failure_response_code: 200 }, input);
      return results.map(readOpened);
    } catch (error) {
      // Vault's answer when not one of them opens.
      if (!refusedAsBad(error)) throw error;
      return items.map(() => ({ dataKey: undefined }));
    }
  }

  const wraps = createBatches<WrapItem, WrappedKey>({ ...batches, operation: "encrypt", run: wrapBatch });
  const unwraps = createBatches<UnwrapItem, Opened>({ ...batches, operation: "decrypt", run: unwrapBatch });

  function wrap(items: readonly WrapItem[]): Promise<readonly WrappedKey[]> {
    if (items.some(({ dataKey }) => dataKey.length !== aeadKeyBytes)) throw new Error("cannot wrap this data key");
    return Promise.all(items.map((item) => wraps.add(item)));
  }

  /** What cannot be a key of ours is not asked for. */
  async function unwrapOne(item: UnwrapItem): Promise<Buffer | undefined> {
    const { kekId: id, kekVersion, ciphertext } = item.wrapped;
    const plausible = Number.isSafeInteger(kekVersion) && kekVersion >= 1 && kekVersion <= newestVersion;
    if (id !== kekId || !plausible || ciphertext.length !== wrappedBytes) return undefined;
    return (await unwraps.add(item)).dataKey;
  }

  return {
    async generateDataKeys(contexts) {
      const keys = contexts.map((context) => ({ dataKey: randomBytes(aeadKeyBytes), context }));
      const wrapped = await wrap(keys);
      return keys.flatMap(({ dataKey }, at) => {
        const one = wrapped[at];
        return one === undefined ? [] : [{ plaintext: dataKey, wrapped: one }];
      });
    },
    wrap: async (items) => await wrap(items),
    unwrap: async (items) => await Promise.all(items.map(unwrapOne)),
  };
}
