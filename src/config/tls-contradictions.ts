// Settings of transport security that are right one by one and wrong together.
import type { Contradiction } from "./contradictions.ts";
import type { Config } from "./schema.ts";

const withoutCertificate = (config: Config) => config.tlsCertificateFile === undefined;
const clientsUnknown = (config: Config) => config.tlsClientAuth === "off";

/** A setting that is about client certificates, while there are none. */
function needsClients(key: keyof Config, env: string): Contradiction {
  return {
    about: ["tlsClientAuth", key],
    when: (config) => config[key] !== undefined && clientsUnknown(config),
    say: `${env} is about client certificates, but GATEHOUSE_TLS_CLIENT_AUTH is off`,
  };
}

export const tlsContradictions: readonly Contradiction[] = [
  {
    about: ["tlsCertificateFile", "tlsKeyFile"],
    when: (config) => withoutCertificate(config) !== (config.tlsKeyFile === undefined),
    say: "GATEHOUSE_TLS_CERT_FILE and GATEHOUSE_TLS_KEY_FILE go together: one of them is missing",
  },
  {
    about: ["tlsCertificateFile", "tlsClientAuth"],
    when: (config) => withoutCertificate(config) && !clientsUnknown(config),
    say: "GATEHOUSE_TLS_CLIENT_AUTH needs GATEHOUSE_TLS_CERT_FILE: without TLS no client shows a certificate",
  },
  {
    about: ["tlsClientAuth", "tlsClientCaFile"],
    when: (config) => !clientsUnknown(config) && config.tlsClientCaFile === undefined,
    say: "GATEHOUSE_TLS_CLIENT_AUTH needs GATEHOUSE_TLS_CLIENT_CA_FILE: the authorities that vouch for clients are yours, not the public ones",
  },
  needsClients("tlsClientCaFile", "GATEHOUSE_TLS_CLIENT_CA_FILE"),
  needsClients("tlsCrlFile", "GATEHOUSE_TLS_CRL_FILE"),
  needsClients("spiffeTrustDomain", "GATEHOUSE_SPIFFE_TRUST_DOMAIN"),
  {
    about: ["tlsCertificateFile", "insecurePlaintext"],
    when: (config) => !withoutCertificate(config) && config.insecurePlaintext,
    say: "GATEHOUSE_INSECURE_PLAINTEXT and GATEHOUSE_TLS_CERT_FILE are both set: with a certificate nothing is served in plaintext",
  },
];
