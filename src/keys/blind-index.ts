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
  let remembered: { readonly key: HmacKey | undefined; readonly values: RecentMap<Buffer> } | undefined;

  function valuesUnder(version: number): RecentMap<Buffer> {
    const key = ring.macKey("blind-index", version);
    if (remembered?.key !== key || remembered === undefined)
      remembered = { key, values: createRecentMap(rememberedTexts) };
    return remembered.values;
  }

  return {
    of(field, text) {
      const version = ring.current("blind-index");
      const values = valuesUnder(version);
      const name = `${field} ${text}`;
      const known = values.get(name);
      if (known !== undefined) return { version, value: known };
      const { value } = macs.mac("blind-index", [field, normalise(text)], version);
      values.set(name, value);
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
