// The real estimator with its dictionaries, through the policy that uses it.
import { afterAll, describe, expect, it } from "vitest";
import { contentFaults, contextWords } from "../../../../src/auth/domain/password-policy.ts";
import { createStrengthEstimator } from "../../../../src/auth/password/strength.ts";

const estimator = createStrengthEstimator({ queue: 64, niceness: 0 });
const { signal } = new AbortController();
const alice = { loginName: "alice", displayName: "" };

afterAll(() => estimator.close());

async function faultsOf(password: string) {
  return contentFaults(password, alice, await estimator.estimate(password, contextWords(alice), signal));
}

describe("the strength estimate", () => {
  it.each(["password", "password1", "12345678", "qwertyuiop", "iloveyou", "PASSWORD1", "liverpool1", "ｐassword"])(
    "PWD-06 M-05 knows the common password %s",
    async (password) => {
      expect(await faultsOf(password)).toEqual(["common"]);
    },
  );

  it.each(["Password1!", "Summer2024", "aaaaaaaaaaaaaaa", "abcdefghijkl", "admin1234", "1".repeat(64)])(
    "M-05 finds %s too easy to guess",
    async (password) => {
      expect(await faultsOf(password)).toEqual(["guessable"]);
    },
  );

  it.each([
    ["8 random letters", "xkqzjwvp"],
    ["15 lower case letters", "mqzvtkwrpylxbfa"],
    ["a phrase", "correct horse battery staple"],
    ["emoji", "😀🐶🍕🚀🎸🌈🔥🍀"],
    ["Chinese", "红色大象在跳舞吗"],
    ["spaces", "a b c q z 7 w m"],
  ])("PWD-03 P-01 takes %s", async (_title, password) => {
    expect(await faultsOf(password)).toEqual([]);
  });

  it("PWD-02 judges 1,024 bytes without effort", async () => {
    expect(await faultsOf("aB3$".repeat(256))).toEqual(["guessable"]);
    expect(await faultsOf("the quick brown fox jumps over the lazy dog ".repeat(23))).toEqual([]);
  });
});
