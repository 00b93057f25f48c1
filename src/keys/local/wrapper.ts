// KeyWrapper of the local home: data keys sealed under a version of the file's wrapping key. The AEAD derives a key per
// message from what it is bound to, so a wrapped key moved to another row, version or installation opens nothing.
import { randomBytes } from "node:crypto";
import { aeadKeyBytes } from "../committing-aead.ts";
import type { KeyWrapper, UnwrapItem, WrappedKey } from "../ports.ts";
import type { KeyDocument } from "./document.ts";
import { createLocalKeks } from "./keks.ts";

export interface LocalWrapper extends KeyWrapper {
  readonly kekId: string;
  readonly kekVersion: number;
  erase(): void;
}

export function createLocalWrapper(wrapping: KeyDocument["wrapping"], installationId: string): LocalWrapper {
  const keks = createLocalKeks(wrapping, installationId, "gatehouse/local-wrap/v1");

  function wrapOne(dataKey: Buffer, context: Buffer): WrappedKey {
    if (dataKey.length !== aeadKeyBytes) throw new Error("cannot wrap this data key");
    return keks.seal(context, dataKey);
  }

  function unwrapOne({ wrapped, context }: UnwrapItem): Buffer | undefined {
    const dataKey = keks.open(context, wrapped);
    return dataKey?.length === aeadKeyBytes ? dataKey : undefined;
  }

  return {
    kekId: keks.id,
    kekVersion: keks.currentVersion,
    async generateDataKeys(contexts) {
      return contexts.map((context) => {
        const plaintext = randomBytes(aeadKeyBytes);
        return { plaintext, wrapped: wrapOne(plaintext, context) };
      });
    },
    wrap: async (items) => items.map((item) => wrapOne(item.dataKey, item.context)),
    unwrap: async (items) => items.map(unwrapOne),
    erase: () => keks.erase(),
  };
}
