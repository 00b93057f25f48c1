// The failures of Vault as those of a key home: no answer, or an answer that is no.
import { VaultRefused, VaultUnavailable } from "../../vault/ports.ts";
import { vaultSentence } from "../../vault/sentences.ts";
import { KeyHomeRefused, KeyHomeUnavailable } from "../ports.ts";

export async function vaultAnswer<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const said = `Vault ${vaultSentence(error)}`;
    if (error instanceof VaultUnavailable) throw new KeyHomeUnavailable(said, { cause: error });
    if (error instanceof VaultRefused) throw new KeyHomeRefused(said, { cause: error });
    throw error;
  }
}

/** Something answered, and it was not Vault, or not one that is known here. */
export function strangeAnswer(): KeyHomeUnavailable {
  return new KeyHomeUnavailable("Vault gives answers that Vault would not give");
}
