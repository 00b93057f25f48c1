// Where HashiCorp Vault (or OpenBao) is, and how Gatehouse logs in there. Names that everybody's tools know keep them.
import * as is from "../kinds.ts";
import { optional, sensitive, setting } from "../setting.ts";
import * as names from "../vault-kinds.ts";

export const vault = {
  vaultAddress: optional({
    env: "VAULT_ADDR",
    kind: names.vaultAddress,
    doc: "Vault or OpenBao, for `GATEHOUSE_KEYS=vault`. In plaintext on this machine only.",
  }),
  vaultCaFile: optional({
    env: "VAULT_CACERT",
    kind: is.path,
    doc: "The authorities in PEM that Vault's certificate is verified against. Unset: the public ones.",
  }),
  vaultNamespace: optional({
    env: "VAULT_NAMESPACE",
    kind: names.vaultPath,
    doc: "Namespace of Vault Enterprise or OpenBao in which everything is asked.",
  }),
  vaultTransitMount: setting({
    env: "GATEHOUSE_VAULT_TRANSIT_MOUNT",
    kind: names.vaultPath,
    default: "transit",
    doc: "Where the Transit engine is mounted.",
  }),
  vaultAuth: setting({
    env: "GATEHOUSE_VAULT_AUTH",
    kind: is.oneOf("token", "approle", "kubernetes"),
    default: "token",
    doc: "How Gatehouse logs in to Vault. `approle` and `kubernetes` log in again when a token ends; `token` reads its file again.",
  }),
  vaultAuthMount: optional({
    env: "GATEHOUSE_VAULT_AUTH_MOUNT",
    kind: names.vaultPath,
    doc: "Where that login is mounted. Unset: under its own name.",
  }),
  vaultToken: sensitive({
    env: "VAULT_TOKEN",
    kind: names.vaultToken,
    doc: "A token, for trying things out. Nothing takes its place when it ends.",
  }),
  vaultTokenFile: optional({
    env: "GATEHOUSE_VAULT_TOKEN_FILE",
    kind: is.path,
    doc: "File with a token (of Vault Agent, say), read again whenever Vault accepts the last one no more.",
  }),
  vaultRoleId: optional({
    env: "GATEHOUSE_VAULT_ROLE_ID",
    kind: names.vaultName,
    doc: "AppRole: the role id, as `gatehouse keys init --home vault --approle` prints it.",
  }),
  vaultSecretIdFile: optional({
    env: "GATEHOUSE_VAULT_SECRET_ID_FILE",
    kind: is.path,
    doc: "AppRole: file with the secret id, read again at each login.",
  }),
  vaultRole: optional({
    env: "GATEHOUSE_VAULT_ROLE",
    kind: names.vaultName,
    doc: "Kubernetes: the role to log in as.",
  }),
  vaultJwtFile: setting({
    env: "GATEHOUSE_VAULT_JWT_FILE",
    kind: is.path,
    default: "/var/run/secrets/kubernetes.io/serviceaccount/token",
    doc: "Kubernetes: file with the service account's token, read again at each login.",
  }),
  vaultTimeoutMs: setting({
    env: "GATEHOUSE_VAULT_TIMEOUT",
    kind: is.duration("100ms", "60s"),
    default: "3s",
    doc: "Longest time for one call to Vault, a login and a repeat included. Later than that, calls that need it answer UNAVAILABLE.",
  }),
} as const;
