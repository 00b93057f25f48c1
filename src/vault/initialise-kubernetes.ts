// The Kubernetes login with which Gatehouse's pods log in to Vault, for `gatehouse keys init`. It lets in the service accounts that are
// named, in the namespaces that are named, with tokens for one audience; never all of anything.
import { StartRefused } from "../kernel/start-refused.ts";
import { readNamedFile, refused } from "../tls/files.ts";
import { ensureLogin, ensureRole, tokenOfLogin } from "./initialise-login.ts";
import { type VaultClient, VaultRefused } from "./ports.ts";

/** As it stands on the command line. */
export interface KubernetesWish {
  readonly mount: string;
  readonly role: string;
  readonly serviceAccounts: readonly string[];
  readonly namespaces: readonly string[];
  readonly audience: string;
  /** Where Vault reaches the API server. Undefined = Vault has been told already. */
  readonly host: string | undefined;
  /** Its authorities in PEM, where Vault runs outside the cluster. Undefined = those that Vault's own pod has. */
  readonly caFile: string | undefined;
}

const forms: Readonly<Record<"serviceAccounts" | "namespaces", readonly [string, RegExp]>> = {
  serviceAccounts: ["--service-account", /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/],
  namespaces: ["--namespace", /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/],
};

const ownMachine: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Vault sends its own token or that of the pod there. */
function isSafeOrigin(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.pathname !== "/" || /[?#@\s]/.test(text)) return false;
  return url.protocol === "https:" || (url.protocol === "http:" && ownMachine.has(url.hostname));
}

/** Throws StartRefused in one sentence, before anything is asked or changed. */
export function requireSound(wish: KubernetesWish): void {
  if (wish.namespaces.length === 0)
    throw new StartRefused(
      "--kubernetes needs --namespace: the role lets in the pods of these namespaces and no others",
    );
  for (const name of ["serviceAccounts", "namespaces"] as const) {
    const [option, form] = forms[name];
    if (wish[name].length === 0 || !wish[name].every((one) => form.test(one)))
      throw new StartRefused(`${option} takes names as Kubernetes has them; there is no name for all of them`);
  }
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(wish.role))
    throw new StartRefused("--role is a name of letters, digits, `.`, `_` and `-`");
  if (!/^[\x21-\x7e]{1,256}$/.test(wish.audience))
    throw new StartRefused("--audience is what the pods' tokens are for: visible ASCII characters");
  if (wish.host !== undefined && !isSafeOrigin(wish.host))
    throw new StartRefused("--kubernetes-host is `https://host:port`, without a path");
}

async function contentFor(host: string, caFile: string | undefined) {
  if (caFile === undefined) return { kubernetes_host: host };
  const file = { setting: "--kubernetes-ca-file", path: caFile };
  const ca = await readNamedFile(file, false);
  if (!ca.includes("-----BEGIN CERTIFICATE-----")) throw refused(file, "holds no certificate");
  // Outside, the pods' own tokens are what Vault asks with; a token that lies about on its machine is not.
  return { kubernetes_host: host, kubernetes_ca_cert: ca.toString("latin1"), disable_local_ca_jwt: true };
}

/** A mount that asks some cluster already may be others' as well, so it is never turned to another. */
async function ensureCluster(vault: VaultClient, { mount, host, caFile }: KubernetesWish): Promise<string> {
  const path = `auth/${mount}/config`;
  const known = (await vault.read(path))?.kubernetes_host;
  if (typeof known === "string" && known !== "") {
    if (host === undefined || host === known) return `auth/${mount}/ asks the cluster at ${known}`;
    throw new StartRefused(`auth/${mount}/ in Vault asks another cluster already: set GATEHOUSE_VAULT_AUTH_MOUNT`);
  }
  if (host === undefined) throw new StartRefused(`auth/${mount}/ in Vault knows no cluster yet: say --kubernetes-host`);
  const content = await contentFor(host, caFile);
  try {
    await vault.write(path, content);
  } catch (error) {
    if (!(error instanceof VaultRefused) || error.refusal !== "bad-request" || caFile !== undefined) throw error;
    throw new StartRefused(
      "Vault has no authorities of its own for that cluster, as its pods do: say --kubernetes-ca-file",
    );
  }
  return `told auth/${mount}/ to ask the cluster at ${host}`;
}

export async function initialiseKubernetes(vault: VaultClient, wish: KubernetesWish): Promise<readonly string[]> {
  const { mount, role, serviceAccounts, namespaces, audience } = wish;
  const content = {
    ...tokenOfLogin,
    bound_service_account_names: serviceAccounts,
    bound_service_account_namespaces: namespaces,
    // Whatever it would select beside the names.
    bound_service_account_namespace_selector: "",
    audience,
  };
  return [
    await ensureLogin(vault, mount, { type: "kubernetes", title: "Kubernetes" }),
    await ensureCluster(vault, wish),
    await ensureRole(vault, mount, role, content),
    "settings:",
    "  GATEHOUSE_VAULT_AUTH=kubernetes",
    `  GATEHOUSE_VAULT_ROLE=${role}`,
    ...(mount === "kubernetes" ? [] : [`  GATEHOUSE_VAULT_AUTH_MOUNT=${mount}`]),
    `  GATEHOUSE_VAULT_JWT_FILE=<a projected token of ${serviceAccounts.join(" or ")} for the audience ${audience}>`,
  ];
}
