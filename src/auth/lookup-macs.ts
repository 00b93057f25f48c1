// Keyed hashes by which a row is found: under every version of the key that may have stored it, the current one first.
import { GatehouseError } from "../kernel/errors.ts";
import type { MacPurpose, Macs } from "../kernel/sealing.ts";

export function lookupMacs(macs: Macs, purpose: MacPurpose, parts: readonly string[]): readonly Buffer[] {
  const current = macs.mac(purpose, parts);
  const older = Array.from({ length: current.version - 1 }, (_, step) => current.version - 1 - step);
  return [current.value, ...older.flatMap((version) => macUnder(macs, purpose, parts, version) ?? [])];
}

/** Undefined when that version is gone. */
function macUnder(macs: Macs, purpose: MacPurpose, parts: readonly string[], version: number): Buffer | undefined {
  try {
    return macs.mac(purpose, parts, version).value;
  } catch (error) {
    if (error instanceof GatehouseError && error.reason === "DATA_CORRUPT") return undefined;
    throw error;
  }
}
