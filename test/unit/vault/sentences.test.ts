// Every way that Vault can fail has a sentence for the operator.
import { describe, expect, it } from "vitest";
import { VaultRefused, VaultUnavailable } from "../../../src/vault/ports.ts";
import { vaultSentence } from "../../../src/vault/sentences.ts";

describe("the sentence", () => {
  it("names the code of the fault, or the status of the refusal", () => {
    expect(vaultSentence(new VaultUnavailable("connection", "sys/health", "ECONNREFUSED"))).toBe(
      "cannot be reached (ECONNREFUSED)",
    );
    expect(vaultSentence(new VaultUnavailable("sealed", "sys/health"))).toBe("is sealed");
    expect(vaultSentence(new VaultRefused(403, "forbidden", "transit/keys/:name"))).toMatch(
      /^does not let .* \(transit\/keys\/:name: 403\)$/,
    );
    expect(vaultSentence(new Error("other"))).toBeUndefined();
  });
});
