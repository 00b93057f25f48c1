// How failures of the key home and of opening look to callers.
import { GatehouseError } from "../kernel/errors.ts";
import { KeyHomeRefused, KeyHomeUnavailable } from "./ports.ts";

/** One answer whichever part is wrong: key, ciphertext, tag, binding, version, format. */
export function dataCorrupt(): GatehouseError {
  return new GatehouseError("DATA_CORRUPT");
}

/** Why the home is of no use just now; undefined = the error is of another kind. */
export function homeFailure(error: unknown): KeyHomeUnavailable | KeyHomeRefused | undefined {
  return error instanceof KeyHomeUnavailable || error instanceof KeyHomeRefused ? error : undefined;
}

/** Passes the answer on; a home that does not answer, or says no, becomes KEYS_UNAVAILABLE. */
export async function homeAnswer<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw homeFailure(error) === undefined ? error : new GatehouseError("KEYS_UNAVAILABLE", { cause: error });
  }
}
