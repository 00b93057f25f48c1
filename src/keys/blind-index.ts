// Finds text again without storing it: a keyed hash of the field's name and the normalised text.
import { normaliseLoginName } from "../kernel/login-name.ts";
import type { Macs } from "../kernel/sealing.ts";
import type { KeyRing } from "./installation-keys.ts";
import type { BlindIndex } from "./ports.ts";

/** What people take for the same text is one text: compatibility forms, letter case and outer white space fall together. */
function normalise(text: string): string {
  return normaliseLoginName(text).trim();
}

export function createBlindIndex(macs: Macs, ring: KeyRing): BlindIndex {
  return {
    of: (field, text) => macs.mac("blind-index", [field, normalise(text)]),
    candidates(field, text) {
      const parts = [field, normalise(text)];
      const current = ring.current("blind-index");
      const others = ring.versions("blind-index").filter((version) => version !== current);
      return [current, ...others].map((version) => macs.mac("blind-index", parts, version).value);
    },
  };
}
