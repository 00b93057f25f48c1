// Passwords at rest: sealed for one principal, renewed when behind.
import { describe, expect, it } from "vitest";
import { createPasswords } from "../../../../src/auth/password/passwords.ts";
import type { InstallationSealer } from "../../../../src/kernel/sealing.ts";
import { cheapPhc, countingHasher, strongEnough } from "../../../fakes/passwords.ts";
import { alice, bob } from "../../../fakes/principal.ts";
import { fakeSealer } from "../../../fakes/sealing.ts";

const { signal } = new AbortController();
const nobody = { loginName: "zed", displayName: "" };

function passwordsWith(options: { readonly pepperVersion?: number; readonly minLength?: number } = {}) {
  const { pepperVersion = 1, minLength = 8 } = options;
  const hasher = countingHasher();
  const sealer: InstallationSealer = { ...fakeSealer, currentVersion: () => pepperVersion };
  return { hasher, sealer, passwords: createPasswords({ hasher, strength: strongEnough, sealer, minLength }) };
}

const binding = (id: string) => ({ kind: "person.password", id });
const seeded = (phc: string) => ({
  principalId: alice,
  sealed: fakeSealer.seal("pepper", binding(alice), Buffer.from(phc)),
  pepperVersion: 1,
});

describe("stored passwords", () => {
  it("PWD-17 are sealed under the pepper for their principal alone", async () => {
    const { passwords, sealer } = passwordsWith();
    const stored = await passwords.make(alice, "mellon99", signal);
    expect(stored).toMatchObject({ principalId: alice, pepperVersion: 1 });
    expect(sealer.open("pepper", binding(alice), stored.sealed).toString()).toBe(cheapPhc("mellon99"));
    await expect(passwords.matches({ ...stored, principalId: bob }, "mellon99", signal)).rejects.toMatchObject({
      reason: "DATA_CORRUPT",
    });
  });

  it("PWD-05 match whichever way the characters were composed", async () => {
    const { passwords } = passwordsWith();
    const stored = await passwords.make(alice, "cafe\u0301-12345", signal);
    expect(await passwords.matches(stored, "caf\u00e9-12345", signal)).toBe(true);
    expect(await passwords.matches(stored, "cafe-12345", signal)).toBe(false);
  });

  it("PWD-19 are not verified beyond the bounds, however they got there", async () => {
    const { passwords, hasher } = passwordsWith();
    const stored = seeded(cheapPhc("mellon99", "m=4294967295,t=3,p=2"));
    await expect(passwords.matches(stored, "mellon99", signal)).rejects.toMatchObject({ reason: "DATA_CORRUPT" });
    expect(hasher.verified).toEqual([]);
  });

  it("PWD-14 the decoy costs one verification at current cost and never matches", async () => {
    const { passwords, hasher } = passwordsWith();
    expect(await passwords.matches(passwords.decoy, "mellon99", signal)).toBe(false);
    expect(await passwords.matches(passwords.decoy, "", signal)).toBe(false);
    expect(hasher.verified.map(({ phc }) => phc.slice(0, 31))).toEqual(
      Array(2).fill("$argon2id$v=19$m=65536,t=3,p=2$"),
    );
    expect(hasher.hashed).toEqual([]);
  });
});

describe("renewal", () => {
  it("PWD-18 M-04 hashes again what was hashed cheaper", async () => {
    const { passwords, hasher } = passwordsWith();
    const renewed = await passwords.renew(seeded(cheapPhc("mellon99", "m=19456,t=2,p=1")), "mellon99", signal);
    expect(hasher.hashed).toEqual(["mellon99"]);
    expect(renewed && (await passwords.matches(renewed, "mellon99", signal))).toBe(true);
  });

  it("PWD-17 seals again, without hashing, what is under an older pepper", async () => {
    const { passwords, hasher } = passwordsWith({ pepperVersion: 2 });
    const renewed = await passwords.renew(seeded(cheapPhc("mellon99")), "mellon99", signal);
    expect(renewed).toMatchObject({ principalId: alice, pepperVersion: 2 });
    expect(hasher.hashed).toEqual([]);
  });

  it("PWD-18 leaves alone what is current", async () => {
    const { passwords } = passwordsWith();
    expect(await passwords.renew(seeded(cheapPhc("mellon99")), "mellon99", signal)).toBeUndefined();
  });
});

describe("acceptance", () => {
  it("PWD-02 refuses by length before anything is estimated or hashed", async () => {
    const strength = { estimate: () => Promise.reject(new Error("must not be asked")) };
    const hasher = countingHasher();
    const passwords = createPasswords({ hasher, strength, sealer: fakeSealer, minLength: 8 });
    await expect(passwords.accept("x".repeat(1_048_576), nobody, signal)).rejects.toMatchObject({
      reason: "PASSWORD_UNACCEPTABLE",
      violations: [{ field: "password", description: "must have at most 1024 bytes" }],
    });
    expect(hasher.hashed).toEqual([]);
  });

  it("PWD-01 P-01 takes its least length from the setting", async () => {
    await passwordsWith().passwords.accept("qk7vmz2x", nobody, signal);
    await expect(passwordsWith({ minLength: 15 }).passwords.accept("qk7vmz2x", nobody, signal)).rejects.toMatchObject({
      violations: [{ field: "password", description: "must have at least 15 characters" }],
    });
  });

  it("PWD-06 PWD-07 gives a reason for each fault and never the password", async () => {
    const strength = { estimate: async () => ({ score: 0, common: true }) };
    const passwords = createPasswords({ hasher: countingHasher(), strength, sealer: fakeSealer, minLength: 8 });
    const error: unknown = await passwords.accept("gatehouse1", nobody, signal).catch((refusal: unknown) => refusal);
    expect(error).toMatchObject({ reason: "PASSWORD_UNACCEPTABLE", violations: [{}, {}] });
    expect(JSON.stringify(error)).not.toContain("gatehouse1");
  });
});
