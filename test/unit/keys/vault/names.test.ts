import { describe, expect, it } from "vitest";
import {
  readHandle,
  signingKeyName,
  vaultKekId,
  wrappingKeyName,
  writeHandle,
} from "../../../../src/keys/vault/names.ts";

const one = "018f0000-0000-7000-8000-000000000001";
const other = "018f0000-0000-7000-8000-000000000002";

describe("names of keys in Transit", () => {
  it("tell installations, algorithms and numbers apart, and stay within what the policy lets us touch", () => {
    const names = [
      ...[one, other].map(wrappingKeyName),
      ...[one, other].flatMap((id) => [1, 2, 12].map((number) => signingKeyName(id, "ES256", number))),
      signingKeyName(one, "EdDSA", 1),
    ];
    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => /^gatehouse-[a-z0-9-]{1,200}$/.test(name))).toBe(true);
    expect(vaultKekId(one)).toMatch(/^vault-[0-9a-f]{16}$/);
    expect(vaultKekId(one)).not.toBe(vaultKekId(other));
  });

  it("come back from a handle of this installation and algorithm, and from no other", () => {
    const name = signingKeyName(one, "ES256", 12);
    const handle = writeHandle({ name, version: 1 });
    expect(readHandle(handle, one, "ES256")).toEqual({ name, version: 1 });
    expect(readHandle(handle, other, "ES256")).toBeUndefined();
    expect(readHandle(handle, one, "PS256")).toBeUndefined();
    for (const text of ["", ":1", name, `${name}:0`, `${name}:1.5`, `${name}:1 `, `x/${handle}`, `${handle}/../y:1`])
      expect(readHandle(text, one, "ES256")).toBeUndefined();
  });
});
