// Envelope encryption: every value has a data key of its own, wrapped by the key home. The home never sees the value,
// the database never sees the key, and both are tied to the row they belong to.
import { hash } from "node:crypto";
import type { ValueSealer } from "../kernel/sealing.ts";
import { valueData, valueKeyContext } from "./bindings.ts";
import { canonicalTuple } from "./canonical-tuple.ts";
import { open, seal } from "./committing-aead.ts";
import type { DataKeyCache } from "./data-key-cache.ts";
import { dataCorrupt, homeAnswer } from "./failures.ts";
import type { KeyWrapper, UnwrapItem } from "./ports.ts";

export interface EnvelopeDeps {
  readonly installationId: string;
  readonly wrapper: KeyWrapper;
  readonly cache: DataKeyCache;
}

// A digest, so that the cache holds neither ciphertexts nor paths. It covers everything that the answer depends on.
function cacheName({ wrapped, context }: UnwrapItem): string {
  return hash("sha256", canonicalTuple([wrapped.kekId, wrapped.kekVersion, wrapped.ciphertext, context]), "binary");
}

export function createEnvelope({ installationId, wrapper, cache }: EnvelopeDeps): ValueSealer {
  async function unwrap(item: UnwrapItem): Promise<Buffer> {
    const [dataKey] = await wrapper.unwrap([item]);
    if (dataKey === undefined) throw dataCorrupt();
    return dataKey;
  }

  return {
    async seal(binding, plaintext) {
      const [made] = await homeAnswer(wrapper.generateDataKeys([valueKeyContext(installationId, binding)]));
      if (made === undefined) throw new Error("the key home made no data key");
      const sealed = seal(made.plaintext, valueData(installationId, binding), plaintext);
      made.plaintext.fill(0);
      const { ciphertext, kekId, kekVersion } = made.wrapped;
      return { sealed, wrappedKey: ciphertext, kekId, kekVersion };
    },
    async open(binding, { sealed, wrappedKey, kekId, kekVersion }) {
      const wrapped = { kekId, kekVersion, ciphertext: wrappedKey };
      const item = { wrapped, context: valueKeyContext(installationId, binding) };
      const data = valueData(installationId, binding);
      const opened = cache.use(
        cacheName(item),
        () => unwrap(item),
        (key) => open(key, data, sealed),
      );
      const plaintext = await homeAnswer(Promise.resolve(opened));
      if (plaintext === undefined) throw dataCorrupt();
      return plaintext;
    },
  };
}
