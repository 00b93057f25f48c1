// Makes certificates, for trying things out: the command `gatehouse dev-certs` and the tests. The library is heavy, so this
// file is loaded by nothing that serves.
import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

export type KeyPair = webcrypto.CryptoKeyPair;

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  readonly name: string;
  readonly keys: KeyPair;
}

export interface LeafRequest extends Validity {
  readonly commonName: string;
  readonly names: JsonGeneralNames;
  readonly uses: readonly ("server" | "client")[];
}

export interface Issued {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8 in PEM. */
  readonly key: string;
}

const signing = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const purposes = { server: ExtendedKeyUsage.serverAuth, client: ExtendedKeyUsage.clientAuth };

function makeKeys(): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(signing, true, ["sign", "verify"]);
}

/** Positive, as RFC 5280 section 4.1.2.2 asks. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0);
  return bytes.toString("hex");
}

async function pemOfKey({ privateKey }: KeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", privateKey));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
}

export async function makeAuthority(commonName: string, validity: Validity): Promise<Authority> {
  const keys = await makeKeys();
  const name = `CN=${commonName}`;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    ...validity,
    serialNumber: serialNumber(),
    signingAlgorithm: signing,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, name, keys };
}

export async function issue(authority: Authority, request: LeafRequest): Promise<Issued> {
  const keys = await makeKeys();
  const { commonName, names, uses, notBefore, notAfter } = request;
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension(uses.map((use) => purposes[use])),
    new SubjectAlternativeNameExtension(names),
    await AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
    await SubjectKeyIdentifierExtension.create(keys.publicKey),
  ];
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${commonName}`,
    issuer: authority.name,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm: signing,
    serialNumber: serialNumber(),
    notBefore,
    notAfter,
    extensions,
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await pemOfKey(keys) };
}
