// How failures of the key home and of opening look to callers.
import { GatehouseError } from "../kernel/errors.ts";
import { KeyHomeUnavailable } from "./ports.ts";

/** One answer whichever part is wrong: key, ciphertext, tag, binding, version, format. */
export function dataCorrupt(): GatehouseError {
  return new GatehouseError("DATA_CORRUPT");
}

/** Passes the answer on; an unreachable home becomes KEYS_UNAVAILABLE. */
export async function homeAnswer<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof KeyHomeUnavailable ? new GatehouseError("KEYS_UNAVAILABLE", { cause: error }) : error;
  }
}
