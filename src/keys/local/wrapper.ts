// KeyWrapper of the local home: data keys sealed under a version of the file's wrapping key. The additional data names
// installation, wrapping key, version and context, and the AEAD derives a key per message from them, so a wrapped key
// moved to another row, version or installation opens nothing.
import { randomBytes } from "node:crypto";
import { canonicalTuple } from "../canonical-tuple.ts";
import { aeadKeyBytes, open, seal } from "../committing-aead.ts";
import type { KeyWrapper, UnwrapItem, WrappedKey } from "../ports.ts";
import type { KeyDocument } from "./document.ts";

const label = "gatehouse/local-wrap/v1";

export interface LocalWrapper extends KeyWrapper {
  readonly kekId: string;
  readonly kekVersion: number;
  erase(): void;
}

function byVersion(wrapping: KeyDocument["wrapping"]): Map<number, Buffer> {
  const usable = wrapping.versions.filter((key) => key.state !== "destroyed");
  return new Map(usable.map((key) => [key.version, Buffer.from(key.key, "base64")]));
}

export function createLocalWrapper(wrapping: KeyDocument["wrapping"], installationId: string): LocalWrapper {
  const keys = byVersion(wrapping);
  const active = wrapping.versions.filter((key) => key.state === "active");
  const current = Math.max(...active.map((key) => key.version));

  function bound(kekId: string, version: number, context: Buffer): Buffer {
    return canonicalTuple([label, installationId, kekId, version, context]);
  }

  function wrapOne(dataKey: Buffer, context: Buffer): WrappedKey {
    const kek = keys.get(current);
    if (kek === undefined || dataKey.length !== aeadKeyBytes) throw new Error("cannot wrap this data key");
    return {
      kekId: wrapping.id,
      kekVersion: current,
      ciphertext: seal(kek, bound(wrapping.id, current, context), dataKey),
    };
  }

  function unwrapOne({ wrapped, context }: UnwrapItem): Buffer | undefined {
    const kek = wrapped.kekId === wrapping.id ? keys.get(wrapped.kekVersion) : undefined;
    if (kek === undefined) return undefined;
    const dataKey = open(kek, bound(wrapped.kekId, wrapped.kekVersion, context), wrapped.ciphertext);
    return dataKey?.length === aeadKeyBytes ? dataKey : undefined;
  }

  return {
    kekId: wrapping.id,
    kekVersion: current,
    async generateDataKeys(contexts) {
      return contexts.map((context) => {
        const plaintext = randomBytes(aeadKeyBytes);
        return { plaintext, wrapped: wrapOne(plaintext, context) };
      });
    },
    wrap: async (items) => items.map((item) => wrapOne(item.dataKey, item.context)),
    unwrap: async (items) => items.map(unwrapOne),
    erase() {
      for (const key of keys.values()) key.fill(0);
      keys.clear();
    },
  };
}
