// The wrapping keys of the local home at work. What is sealed under them names its use, the installation, the key, its
// version and the context, so that it opens in that one place and for that one use.
import { canonicalTuple } from "../canonical-tuple.ts";
import { open, seal } from "../committing-aead.ts";
import type { KeyDocument } from "./document.ts";

export interface SealedUnderKek {
  readonly kekId: string;
  readonly kekVersion: number;
  readonly ciphertext: Buffer;
}

export interface LocalKeks {
  readonly id: string;
  readonly currentVersion: number;
  /** Under the current version. */
  seal(context: Buffer, plaintext: Buffer): SealedUnderKek;
  /** Undefined, whatever is wrong. */
  open(context: Buffer, sealed: SealedUnderKek): Buffer | undefined;
  erase(): void;
}

function byVersion(wrapping: KeyDocument["wrapping"]): Map<number, Buffer> {
  const usable = wrapping.versions.filter((key) => key.state !== "destroyed");
  return new Map(usable.map((key) => [key.version, Buffer.from(key.key, "base64")]));
}

/** `use` tells apart what is sealed for different uses. */
export function createLocalKeks(wrapping: KeyDocument["wrapping"], installationId: string, use: string): LocalKeks {
  const keys = byVersion(wrapping);
  const active = wrapping.versions.filter((key) => key.state === "active");
  const currentVersion = Math.max(...active.map((key) => key.version));

  function bound(kekId: string, version: number, context: Buffer): Buffer {
    return canonicalTuple([use, installationId, kekId, version, context]);
  }

  return {
    id: wrapping.id,
    currentVersion,
    seal(context, plaintext) {
      const kek = keys.get(currentVersion);
      if (kek === undefined) throw new Error("the local keys are closed");
      const ciphertext = seal(kek, bound(wrapping.id, currentVersion, context), plaintext);
      return { kekId: wrapping.id, kekVersion: currentVersion, ciphertext };
    },
    open(context, { kekId, kekVersion, ciphertext }) {
      const kek = kekId === wrapping.id ? keys.get(kekVersion) : undefined;
      return kek && open(kek, bound(kekId, kekVersion, context), ciphertext);
    },
    erase() {
      for (const key of keys.values()) key.fill(0);
      keys.clear();
    },
  };
}
