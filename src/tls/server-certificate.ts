// The server's own certificate and key: everything that would make clients refuse them, or that makes them weak, is told
// at the start in one sentence and not by failing handshakes.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { type NamedFile, pemBlocks, readNamedFile, refused } from "./files.ts";

export interface ServerCertificate {
  /** PEM: the leaf first, then what leads to its authority. */
  readonly cert: string;
  readonly key: string;
  readonly notAfter: Date;
}

const serverAuth = "1.3.6.1.5.5.7.3.1";
const anyPurpose = "2.5.29.37.0";
const curves = new Set(["prime256v1", "secp384r1", "secp521r1"]);
const leastRsaBits = 2048;

function parseChain(file: NamedFile, text: string): readonly X509Certificate[] {
  try {
    const chain = pemBlocks(text, "CERTIFICATE").map((block) => new X509Certificate(block));
    if (chain.length > 0) return chain;
  } catch (cause) {
    throw refused(file, "holds a certificate that cannot be read", cause);
  }
  throw refused(file, "holds no certificate in PEM");
}

function parseKey(file: NamedFile, text: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text))
    throw refused(file, "is locked with a passphrase: give the key without one in a file that only Gatehouse reads");
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw refused(file, "holds no private key in PEM", cause);
  }
}

/** What is weak about a public key; undefined = nothing. */
function weakness({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string | undefined {
  if (type === "rsa" || type === "rsa-pss")
    return (details?.modulusLength ?? 0) < leastRsaBits ? `an RSA key of less than ${leastRsaBits} bits` : undefined;
  if (type === "ec")
    return curves.has(details?.namedCurve ?? "") ? undefined : "a key on a curve other than P-256, P-384 and P-521";
  return type === "ed25519" ? undefined : "a key that is neither RSA, ECDSA nor Ed25519";
}

function leafFault(leaf: X509Certificate, now: Date): string | undefined {
  const weak = weakness(leaf.publicKey);
  if (weak !== undefined) return `has ${weak}`;
  if (now < leaf.validFromDate) return "is not valid yet";
  if (now >= leaf.validToDate) return "has expired";
  // Undefined when the extension is missing: then every purpose is allowed.
  const purposes: readonly string[] | undefined = leaf.keyUsage;
  if (purposes !== undefined && !purposes.includes(serverAuth) && !purposes.includes(anyPurpose))
    return "is not for servers: its extended key usage lacks serverAuth";
  return leaf.subjectAltName === undefined ? "names no host in its subject alternative names" : undefined;
}

function outOfOrder(chain: readonly X509Certificate[]): boolean {
  return chain.some((certificate, index) => {
    const issuer = chain[index + 1];
    return issuer !== undefined && !(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
  });
}

/** Throws StartRefused. */
export async function readServerCertificate(
  files: { readonly certificate: NamedFile; readonly key: NamedFile },
  now: Date,
): Promise<ServerCertificate> {
  const cert = (await readNamedFile(files.certificate)).toString("latin1");
  const key = (await readNamedFile(files.key, true)).toString("latin1");
  const chain = parseChain(files.certificate, cert);
  const [leaf] = chain;
  if (leaf === undefined) throw refused(files.certificate, "holds no certificate in PEM");
  if (!leaf.checkPrivateKey(parseKey(files.key, key)))
    throw refused(files.key, `does not belong to the first certificate of ${files.certificate.path}`);
  const fault = leafFault(leaf, now);
  if (fault !== undefined) throw refused(files.certificate, fault);
  if (outOfOrder(chain))
    throw refused(files.certificate, "is out of order: the server's own comes first, then each issuer");
  return { cert, key, notAfter: leaf.validToDate };
}
