// Transport security of the doors, and who is known by a certificate.
import * as is from "../kinds.ts";
import { optional, setting } from "../setting.ts";

export const tls = {
  tlsCertificateFile: optional({
    env: "GATEHOUSE_TLS_CERT_FILE",
    kind: is.path,
    doc: "The server's certificate in PEM, then what leads to its authority. Given: every address serves TLS and nothing else, Unix sockets apart. Looked at again when it changes, as are the files below.",
  }),
  tlsKeyFile: optional({
    env: "GATEHOUSE_TLS_KEY_FILE",
    kind: is.path,
    doc: "The private key of the certificate in PEM, without passphrase, in a file that others cannot read.",
  }),
  tlsClientAuth: setting({
    env: "GATEHOUSE_TLS_CLIENT_AUTH",
    kind: is.oneOf("off", "optional", "required"),
    default: "off",
    doc: "Whether clients show a certificate: `required` lets in nobody without one, `optional` refuses bad ones only.",
  }),
  tlsClientCaFile: optional({
    env: "GATEHOUSE_TLS_CLIENT_CA_FILE",
    kind: is.path,
    doc: "The authorities in PEM whose client certificates are accepted.",
  }),
  tlsCrlFile: optional({
    env: "GATEHOUSE_TLS_CRL_FILE",
    kind: is.path,
    doc: "Lists of revoked certificates in PEM, one of each authority. Once a list is overdue its authority's clients are refused.",
  }),
  tlsMinVersion: setting({
    env: "GATEHOUSE_TLS_MIN_VERSION",
    kind: is.oneOf("1.2", "1.3"),
    default: "1.2",
    doc: "The lowest version of TLS that is spoken. The highest is always 1.3.",
  }),
  tlsReloadMs: setting({
    env: "GATEHOUSE_TLS_RELOAD_INTERVAL",
    kind: is.duration("100ms", "1h"),
    default: "10s",
    doc: "How often the files are looked at, and how soon a connection ends after its client's certificate.",
  }),
  spiffeTrustDomain: optional({
    env: "GATEHOUSE_SPIFFE_TRUST_DOMAIN",
    kind: is.trustDomain,
    doc: "The only trust domain whose SPIFFE ids are accepted, such as `prod.example`. Unset: whichever the authorities vouch for.",
  }),
  kubernetesIssuersFile: optional({
    env: "GATEHOUSE_KUBERNETES_ISSUERS_FILE",
    kind: is.path,
    doc: "The Kubernetes clusters whose service account tokens are believed: one JSON object a line with `issuer`, `audience` (omitted: the value of `GATEHOUSE_AUDIENCE`), and `jwks_file`, or `jwks_url` with `ca_file` and `token_file`. Read at the start.",
  }),
} as const;
