// Finds text again without storing it: a keyed hash of the field's name and the normalised text.
import type { HmacKey } from "../kernel/hmac.ts";
import { normaliseLoginName } from "../kernel/login-name.ts";
import { createRecentMap, type RecentMap } from "../kernel/recent-map.ts";
import type { Macs } from "../kernel/sealing.ts";
import type { KeyRing } from "./installation-keys.ts";
import type { BlindIndex } from "./ports.ts";

/** Every call is recorded with the address of its caller, and callers come again and again. */
const rememberedTexts = 512;

/** What people take for the same text is one text: compatibility forms, letter case and outer white space fall together. */
function normalise(text: string): string {
  return normaliseLoginName(text).trim();
}

export function createBlindIndex(macs: Macs, ring: KeyRing): BlindIndex {
  // By key, not by version: before the keys are settled, another replica's may take their place.
  let remembered: { readonly key: HmacKey | undefined; readonly byField: Map<string, RecentMap<Buffer>> } | undefined;

  function valuesOf(field: string, version: number): RecentMap<Buffer> {
    const key = ring.macKey("blind-index", version);
    if (remembered?.key !== key || remembered === undefined) remembered = { key, byField: new Map() };
    const known = remembered.byField.get(field) ?? createRecentMap(rememberedTexts);
    remembered.byField.set(field, known);
    return known;
  }

  return {
    of(field, text) {
      const version = ring.current("blind-index");
      const values = valuesOf(field, version);
      const known = values.get(text);
      if (known !== undefined) return { version, value: known };
      const { value } = macs.mac("blind-index", [field, normalise(text)], version);
      values.set(text, value);
      return { version, value };
    },
    candidates(field, text) {
      const parts = [field, normalise(text)];
      const current = ring.current("blind-index");
      const others = ring.versions("blind-index").filter((version) => version !== current);
      return [current, ...others].map((version) => macs.mac("blind-index", parts, version).value);
    },
  };
}
