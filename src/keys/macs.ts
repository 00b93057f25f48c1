// Keyed hashes under the installation's data keys. Parts are joined by the canonical tuple, so ("a", "bc") and ("ab",
// "c") never share a hash; purposes have keys of their own, so a hash of one means nothing to another.
import { timingSafeEqual } from "node:crypto";
import { type HmacKey, hmac } from "../kernel/hmac.ts";
import type { Mac, Macs } from "../kernel/sealing.ts";
import { canonicalTuple, type TuplePart } from "./canonical-tuple.ts";
import { dataCorrupt } from "./failures.ts";
import type { KeyRing } from "./installation-keys.ts";

function macOf(key: HmacKey, parts: readonly TuplePart[]): Buffer {
  return hmac(key, canonicalTuple(parts));
}

export function createMacs(ring: KeyRing): Macs {
  return {
    mac(purpose, parts, version = ring.current(purpose)) {
      const key = ring.macKey(purpose, version);
      if (key === undefined) throw dataCorrupt();
      return { version, value: macOf(key, parts) };
    },
    candidates(purpose, parts) {
      const tuple = canonicalTuple(parts);
      const found: Mac[] = [];
      for (const version of ring.versions(purpose)) {
        const key = ring.macKey(purpose, version);
        if (key !== undefined) found.push({ version, value: hmac(key, tuple) });
      }
      return found;
    },
    matches(purpose, parts, expected) {
      const key = ring.macKey(purpose, expected.version);
      if (key === undefined) return false;
      const value = macOf(key, parts);
      return value.length === expected.value.length && timingSafeEqual(value, expected.value);
    },
  };
}
