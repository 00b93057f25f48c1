// Settings about Vault that are right one by one and wrong together.
import type { Contradiction } from "./contradictions.ts";
import { isLoopback } from "./kinds.ts";
import type { Config } from "./schema.ts";

export function plaintextBeyondLoopback({ vaultAddress, insecurePlaintext }: Config): boolean {
  const url = vaultAddress === undefined ? undefined : new URL(vaultAddress);
  return url?.protocol === "http:" && !isLoopback(url.hostname.replace(/^\[|\]$/g, "")) && !insecurePlaintext;
}

/** What a login needs. VAULT_ADDR and VAULT_TOKEN may lie about in any shell, so without the vault home nothing is said. */
function needs(key: keyof Config, env: string, auth: Config["vaultAuth"]): Contradiction {
  return {
    about: ["keys", "vaultAuth", key],
    when: (config) => config.keys === "vault" && config.vaultAuth === auth && config[key] === undefined,
    say: `GATEHOUSE_VAULT_AUTH=${auth} needs ${env}`,
  };
}

/** A setting of one login beside another login: one of the two is a slip. */
function only(key: keyof Config, env: string, auth: Config["vaultAuth"]): Contradiction {
  return {
    about: ["keys", "vaultAuth", key],
    when: (config) => config.keys === "vault" && config.vaultAuth !== auth && config[key] !== undefined,
    say: `${env} is for GATEHOUSE_VAULT_AUTH=${auth}`,
  };
}

export const vaultContradictions: readonly Contradiction[] = [
  {
    about: ["keys", "vaultAddress"],
    when: (config) => config.keys === "vault" && config.vaultAddress === undefined,
    say: "GATEHOUSE_KEYS=vault needs VAULT_ADDR",
  },
  {
    about: ["keys", "vaultAddress", "insecurePlaintext"],
    when: (config) => config.keys === "vault" && plaintextBeyondLoopback(config),
    say: "VAULT_ADDR reaches beyond loopback in plaintext: use https://, or set GATEHOUSE_INSECURE_PLAINTEXT=true",
  },
  {
    about: ["keys", "vaultAddress", "vaultCaFile"],
    when: (config) =>
      config.keys === "vault" && config.vaultCaFile !== undefined && config.vaultAddress?.startsWith("http:") === true,
    say: "VAULT_CACERT is given and VAULT_ADDR is http://, which verifies nothing",
  },
  {
    about: ["keys", "vaultAuth", "vaultToken", "vaultTokenFile"],
    when: ({ keys, vaultAuth, vaultToken, vaultTokenFile }) =>
      keys === "vault" && vaultAuth === "token" && (vaultToken === undefined) === (vaultTokenFile === undefined),
    say: "GATEHOUSE_VAULT_AUTH=token needs one of GATEHOUSE_VAULT_TOKEN_FILE and VAULT_TOKEN",
  },
  needs("vaultRoleId", "GATEHOUSE_VAULT_ROLE_ID", "approle"),
  needs("vaultSecretIdFile", "GATEHOUSE_VAULT_SECRET_ID_FILE", "approle"),
  needs("vaultRole", "GATEHOUSE_VAULT_ROLE", "kubernetes"),
  only("vaultTokenFile", "GATEHOUSE_VAULT_TOKEN_FILE", "token"),
  only("vaultRoleId", "GATEHOUSE_VAULT_ROLE_ID", "approle"),
  only("vaultSecretIdFile", "GATEHOUSE_VAULT_SECRET_ID_FILE", "approle"),
  only("vaultRole", "GATEHOUSE_VAULT_ROLE", "kubernetes"),
];
