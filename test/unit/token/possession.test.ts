// The gate and bound tokens: each works with what it is bound to, and in no other way (RFC 8705 section 3, RFC 9449 section 7).
import { describe, expect, it } from "vitest";
import type { ShownToken } from "../../../src/kernel/ports.ts";
import type { Confirmation } from "../../../src/kernel/principal.ts";
import { createPossessionGuard } from "../../../src/token/authenticator.ts";
import { principalOf } from "../../fakes/principal.ts";

const now = new Date("2026-11-21T12:00:00Z");
const mine = "A".repeat(43);
const other = `${"B".repeat(42)}A`;
const certificateOf = (thumbprint: string) => ({ spiffeId: undefined, dnsNames: [], thumbprint, expiresAt: now });

function verdictOf(
  confirmation: Confirmation | undefined,
  shown: Partial<ShownToken["possession"]>,
  scheme: ShownToken["scheme"],
  proven = mine,
) {
  const checked: unknown[] = [];
  const guard = createPossessionGuard({
    check: async (_showing, token) => {
      checked.push(token);
      return proven;
    },
  });
  const possession = { proofs: [], httpMethod: "POST", path: "/x", certificate: undefined, ...shown };
  return (async () =>
    guard.requirePossession({ ...principalOf(), confirmation }, { token: "t", scheme, possession }, now))().then(
    () => ["admitted", checked],
    ({ reason, auditReason }: { reason: string; auditReason: string }) => [reason, auditReason],
  );
}

describe("the bearer of a token", () => {
  it("TOK-24 bound to a key is refused without the scheme DPoP, however good the proof", async () => {
    expect(await verdictOf({ kind: "key", thumbprint: mine }, { proofs: ["p"] }, "bearer")).toEqual([
      "CREDENTIAL_INVALID",
      "TOKEN_BOUND",
    ]);
  });

  it("TOK-22 bound to a key is admitted with a proof of that key for that token", async () => {
    expect(await verdictOf({ kind: "key", thumbprint: mine }, { proofs: ["p"] }, "dpop")).toEqual(["admitted", ["t"]]);
    expect(await verdictOf({ kind: "key", thumbprint: mine }, { proofs: ["p"] }, "dpop", other)).toEqual([
      "CREDENTIAL_INVALID",
      "TOKEN_OF_ANOTHER_KEY",
    ]);
  });

  it("TOK-24 not bound to a key is refused by the scheme DPoP", async () => {
    expect(await verdictOf(undefined, { proofs: ["p"] }, "dpop")).toEqual(["CREDENTIAL_INVALID", "TOKEN_NOT_BOUND"]);
    const confirmation = { kind: "certificate", thumbprint: mine } as const;
    expect(await verdictOf(confirmation, { proofs: ["p"], certificate: certificateOf(mine) }, "dpop")).toEqual([
      "CREDENTIAL_INVALID",
      "TOKEN_NOT_BOUND",
    ]);
  });

  it("TOK-21 bound to a certificate is admitted with it, and refused with another or none", async () => {
    const confirmation = { kind: "certificate", thumbprint: mine } as const;
    expect(await verdictOf(confirmation, { certificate: certificateOf(mine) }, "bearer")).toEqual(["admitted", []]);
    const refusal = ["CREDENTIAL_INVALID", "TOKEN_OF_ANOTHER_CERTIFICATE"];
    expect(await verdictOf(confirmation, { certificate: certificateOf(other) }, "bearer")).toEqual(refusal);
    expect(await verdictOf(confirmation, {}, "bearer")).toEqual(refusal);
  });
});
