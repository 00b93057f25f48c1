// Settings about Vault: what may be written, and what does not go together.
import { describe, expect, it } from "vitest";
import { type Environment, readSettings } from "../../../src/config/load.ts";
import { vaultAddress, vaultName, vaultPath } from "../../../src/config/vault-kinds.ts";

const home = { GATEHOUSE_KEYS: "vault", VAULT_ADDR: "https://vault.example:8200" };
const token = { ...home, VAULT_TOKEN: "hvs.x" };
const appRole = {
  ...home,
  GATEHOUSE_VAULT_AUTH: "approle",
  GATEHOUSE_VAULT_ROLE_ID: "r",
  GATEHOUSE_VAULT_SECRET_ID_FILE: "/s",
};
const pod = { ...home, GATEHOUSE_VAULT_AUTH: "kubernetes", GATEHOUSE_VAULT_ROLE: "r" };

function problemsOf(env: Environment): readonly string[] {
  const readFile = () => {
    throw new Error("no such file");
  };
  const reading = readSettings({ env, readFile });
  return "problems" in reading ? reading.problems : [];
}

describe("settings about Vault", () => {
  it.each<[string, Environment]>([
    ["a token", token],
    ["a token's file", { ...home, GATEHOUSE_VAULT_TOKEN_FILE: "/t" }],
    ["AppRole", appRole],
    ["Kubernetes", pod],
    ["AppRole beside a VAULT_TOKEN that some shell has", { ...appRole, VAULT_TOKEN: "hvs.x" }],
    ["plaintext on this machine", { ...token, VAULT_ADDR: "http://127.0.0.1:8200" }],
    ["plaintext in IPv6 on this machine", { ...token, VAULT_ADDR: "http://[::1]:8200" }],
    [
      "plaintext elsewhere that was asked for",
      { ...token, VAULT_ADDR: "http://vault:8200", GATEHOUSE_INSECURE_PLAINTEXT: "true" },
    ],
    [
      "local keys in a shell that knows Vault",
      { VAULT_ADDR: "http://elsewhere:8200", VAULT_TOKEN: "hvs.x", VAULT_CACERT: "/ca" },
    ],
  ])("go together: %s", (_, env) => {
    expect(problemsOf(env)).toEqual([]);
  });

  it.each<[string, Environment, string]>([
    ["no address", { GATEHOUSE_KEYS: "vault", VAULT_TOKEN: "hvs.x" }, "GATEHOUSE_KEYS=vault needs VAULT_ADDR"],
    ["no token", home, "needs one of GATEHOUSE_VAULT_TOKEN_FILE and VAULT_TOKEN"],
    ["two tokens", { ...token, GATEHOUSE_VAULT_TOKEN_FILE: "/t" }, "needs one of"],
    ["plaintext elsewhere", { ...token, VAULT_ADDR: "http://vault:8200" }, "beyond loopback in plaintext"],
    ["a name that only looks local", { ...token, VAULT_ADDR: "http://127.0.0.1.example:8200" }, "beyond loopback"],
    [
      "an authority for plaintext",
      { ...token, VAULT_ADDR: "http://127.0.0.1:1", VAULT_CACERT: "/ca" },
      "verifies nothing",
    ],
    ["AppRole without its role", { ...appRole, GATEHOUSE_VAULT_ROLE_ID: undefined }, "needs GATEHOUSE_VAULT_ROLE_ID"],
    [
      "AppRole without its secret",
      { ...appRole, GATEHOUSE_VAULT_SECRET_ID_FILE: undefined },
      "needs GATEHOUSE_VAULT_SECRET_ID_FILE",
    ],
    ["Kubernetes without its role", { ...pod, GATEHOUSE_VAULT_ROLE: undefined }, "needs GATEHOUSE_VAULT_ROLE"],
    [
      "AppRole's secret beside a token",
      { ...token, GATEHOUSE_VAULT_SECRET_ID_FILE: "/s" },
      "is for GATEHOUSE_VAULT_AUTH=approle",
    ],
    [
      "a token's file beside AppRole",
      { ...appRole, GATEHOUSE_VAULT_TOKEN_FILE: "/t" },
      "is for GATEHOUSE_VAULT_AUTH=token",
    ],
    ["a token that could break a header", { ...token, VAULT_TOKEN: "hvs.x\r\ny: z" }, "VAULT_TOKEN is not right"],
    ["an address with a path", { ...token, VAULT_ADDR: "https://vault/v1" }, "VAULT_ADDR is not right"],
  ])("do not: %s", (_, env, say) => {
    const problems = problemsOf(env);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(say);
  });
});

describe("the form of", () => {
  it.each([
    ["https://vault.example", "https://vault.example"],
    ["https://vault.example/", "https://vault.example"],
    ["https://VAULT.example:443", "https://vault.example"],
    ["http://[::1]:8200", "http://[::1]:8200"],
  ])("an address: %s", (text, value) => {
    expect(vaultAddress.parse(text)).toEqual({ ok: true, value });
  });

  it.each([
    "vault:8200",
    "ftp://vault",
    "https://u:p@vault",
    "https://vault?x",
    "https://vault#x",
    "https://vault/ui",
    " https://vault",
    "",
    "unix:/x",
  ])("an address is not %j", (text) => {
    expect(vaultAddress.parse(text).ok).toBe(false);
  });

  it("a mount is names without the slashes around them, and never a way out", () => {
    for (const [text, value] of [
      ["transit", "transit"],
      ["team/transit/", "team/transit"],
      ["/transit", "transit"],
    ] as const)
      expect(vaultPath.parse(text)).toEqual({ ok: true, value });
    for (const text of ["..", "a/../b", "a//b", "a b", "a?b", "", "/", "a/.hidden", "a%2fb"])
      expect(vaultPath.parse(text).ok).toBe(false);
    for (const text of ["a/b", "..", "", "a b"]) expect(vaultName.parse(text).ok).toBe(false);
  });
});
