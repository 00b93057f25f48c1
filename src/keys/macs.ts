// Keyed hashes under the installation's data keys. Parts are joined by the canonical tuple, so ("a", "bc") and ("ab",
// "c") never share a hash; purposes have keys of their own, so a hash of one means nothing to another.
import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Macs } from "../kernel/sealing.ts";
import { canonicalTuple, type TuplePart } from "./canonical-tuple.ts";
import { dataCorrupt } from "./failures.ts";
import type { KeyRing } from "./installation-keys.ts";

function hmac(key: KeyObject, parts: readonly TuplePart[]): Buffer {
  return createHmac("sha256", key).update(canonicalTuple(parts)).digest();
}

export function createMacs(ring: KeyRing): Macs {
  return {
    mac(purpose, parts, version = ring.current(purpose)) {
      const key = ring.key(purpose, version);
      if (key === undefined) throw dataCorrupt();
      return { version, value: hmac(key, parts) };
    },
    candidates(purpose, parts) {
      return ring.versions(purpose).flatMap((version) => {
        const key = ring.key(purpose, version);
        return key === undefined ? [] : { version, value: hmac(key, parts) };
      });
    },
    matches(purpose, parts, expected) {
      const key = ring.key(purpose, expected.version);
      if (key === undefined) return false;
      const value = hmac(key, parts);
      return value.length === expected.value.length && timingSafeEqual(value, expected.value);
    },
  };
}
