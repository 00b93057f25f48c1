// What is wrong with Vault, as half a sentence for the operator: at the start, and in the log.
import { type VaultFault, type VaultRefusal, VaultRefused, VaultUnavailable } from "./ports.ts";

const faults: Readonly<Record<VaultFault, string>> = {
  deadline: "did not answer within GATEHOUSE_VAULT_TIMEOUT",
  connection: "cannot be reached",
  certificate: "shows a certificate that is not accepted: see VAULT_CACERT and the host in VAULT_ADDR",
  sealed: "is sealed",
  overloaded: "has a quota that is used up, or is a standby that forwards nothing",
  "server-error": "answers with an error of its own",
  behind: "does not catch up with what was written",
  redirect: "sends callers elsewhere, which is never followed: put the address of the active node in VAULT_ADDR",
  answer: "gives answers that Vault would not give: see VAULT_ADDR",
  "credential-file": "cannot be asked, as the file with the credential cannot be used",
  closed: "is not used any more",
};

const refusals: Readonly<Record<VaultRefusal, string>> = {
  forbidden: "does not let this login do what Gatehouse needs: see `gatehouse keys init --home vault`",
  "login-refused": "refuses the login: see GATEHOUSE_VAULT_AUTH and the credential that belongs to it",
  "wrong-mount": "has no Transit engine or no such login at that mount: see GATEHOUSE_VAULT_TRANSIT_MOUNT",
  "not-found": "does not have what was asked for",
  "key-not-found": "does not have the key any more",
  "bad-request": "takes the request for wrong",
  "too-large": "takes the request for too large",
  other: "refuses",
};

/** To be put behind `Vault at <address>`. Undefined = the error is none of Vault's. */
export function vaultSentence(error: unknown): string | undefined {
  if (error instanceof VaultUnavailable) {
    return `${faults[error.fault]}${error.code === undefined ? "" : ` (${error.code})`}`;
  }
  return error instanceof VaultRefused
    ? `${refusals[error.refusal]} (${error.pathTemplate}: ${error.status})`
    : undefined;
}
