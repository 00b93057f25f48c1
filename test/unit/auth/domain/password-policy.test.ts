// Rules for new passwords that need no dictionary.
import { describe, expect, it } from "vitest";
import {
  canonicalPassword,
  contentFaults,
  describeFault,
  lengthFaults,
  type PasswordFault,
} from "../../../../src/auth/domain/password-policy.ts";

const alice = { loginName: "Alice.Example", displayName: "Alice Liddell" };
const strong = { score: 4, common: false };

describe("length", () => {
  it.each([
    ["7 characters", "abcdefg", 8, ["too_short"]],
    ["8 characters", "abcdefgh", 8, []],
    ["7 emoji, which are 14 UTF-16 units", "😀".repeat(7), 8, ["too_short"]],
    ["8 emoji", "😀".repeat(8), 8, []],
    ["14 characters where 15 are asked", "a".repeat(14), 15, ["too_short"]],
    ["15 emoji where 15 are asked", "😀".repeat(15), 15, []],
    ["8 emoji where 15 are asked", "😀".repeat(8), 15, ["too_short"]],
  ])("PWD-01 P-01 counts code points: %s", (_title, password, least, faults) => {
    expect(lengthFaults(password, least)).toEqual(faults);
  });

  it.each([
    ["64 characters", "a".repeat(64), []],
    ["1,024 bytes", "a".repeat(1024), []],
    ["1,025 bytes", "a".repeat(1025), ["too_long"]],
    ["257 emoji, 1,028 bytes", "😀".repeat(257), ["too_long"]],
    ["1 MiB", "a".repeat(1_048_576), ["too_long"]],
  ])("PWD-02 allows long ones up to the cap: %s", (_title, password, faults) => {
    expect(lengthFaults(password, 8)).toEqual(faults);
  });
});

describe("form", () => {
  it("PWD-05 composes, so that keyboards do not matter", () => {
    expect(canonicalPassword("cafe\u0301")).toBe(canonicalPassword("caf\u00e9"));
  });

  it("PWD-04 keeps case, width, NUL and trailing spaces apart", () => {
    const texts = ["Secret", "secret", "secret ", "secret\0", "secret\0x", "ｓecret"];
    expect(new Set(texts.map(canonicalPassword)).size).toBe(texts.length);
  });
});

describe("content", () => {
  const faultsOf = (password: string, estimate = strong) => contentFaults(password, alice, estimate);

  it.each(["mqzvtkwrpylxbfa", "only lower case words", "12345 67890 24680 1", "红色大象在跳舞吗", "🍕🚀🎸🌈🔥🍀🐶🎲"])(
    "PWD-03 asks for no kinds of characters: %s",
    (password) => {
      expect(faultsOf(password)).toEqual([]);
    },
  );

  it.each([
    "gatehouse-gatehouse",
    "GATEHOUSE2026",
    "Gatehouse2026!",
    "gatehouse 21.11.2026",
    "alice.example",
    "Alice.ExampleAlice.Example",
    "liddell-alice",
    "ALICE2026!!",
    "alicexyz",
  ])("PWD-07 refuses what is made of the context: %s", (password) => {
    expect(faultsOf(password)).toEqual(["context"]);
  });

  it.each(["alice drank the tiny bottle", "gatehouse 8402948571930"])("allows context beside more: %s", (password) => {
    expect(faultsOf(password)).toEqual([]);
  });

  it("does not take words of one or two letters for context", () => {
    expect(contentFaults("alalalxy", { loginName: "al", displayName: "" }, strong)).toEqual([]);
  });

  it("PWD-06 M-05 tells a common password apart from a guessable one", () => {
    expect(faultsOf("password1", { score: 0, common: true })).toEqual(["common"]);
    expect(faultsOf("aaaaaaaaa", { score: 1, common: false })).toEqual(["guessable"]);
    expect(faultsOf("qk7vmz2x", { score: 2, common: false })).toEqual([]);
  });

  it("describes every fault without the password", () => {
    const all: readonly PasswordFault[] = ["too_short", "too_long", "common", "context", "guessable"];
    expect(new Set(all.map((fault) => describeFault(fault, 15))).size).toBe(all.length);
    expect(describeFault("too_short", 15)).toContain("15");
  });
});
