// Everything that the files say, read and checked as one: what OpenSSL gets, and what we ask of clients ourselves.
import { constants, createHash } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { StartRefused } from "../kernel/start-refused.ts";
import { type ClientTrust, readClientTrust } from "./client-trust.ts";
import type { NamedFile } from "./files.ts";
import { readServerCertificate } from "./server-certificate.ts";

export type ClientAuth = "off" | "optional" | "required";

export interface TlsSettings {
  readonly certificate: NamedFile;
  readonly key: NamedFile;
  readonly clientAuth: ClientAuth;
  /** There unless `clientAuth` is off. */
  readonly clientAuthorities: NamedFile | undefined;
  readonly revoked: NamedFile | undefined;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** The only one whose SPIFFE ids are taken; undefined = whichever the authorities vouch for. */
  readonly trustDomain: string | undefined;
  /** How often the files are looked at. */
  readonly reloadMs: number;
}

export interface Material {
  readonly context: SecureContextOptions;
  /** Undefined = clients show no certificates. */
  readonly trust: ClientTrust | undefined;
  readonly notAfter: Date;
  /** Of everything read: equal when nothing changed but the files' dates. */
  readonly digest: string;
}

// Only key exchange with forward secrecy, only AEAD (RFC 9325 section 4.2). The first three are TLS 1.3's.
const ciphers = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
].join(":");

const sigalgs = [
  "ed25519",
  "ecdsa_secp256r1_sha256",
  "ecdsa_secp384r1_sha384",
  "ecdsa_secp521r1_sha512",
  "rsa_pss_rsae_sha256",
  "rsa_pss_rsae_sha384",
  "rsa_pss_rsae_sha512",
  "rsa_pkcs1_sha256",
  "rsa_pkcs1_sha384",
  "rsa_pkcs1_sha512",
].join(":");

// The first is hybrid with ML-KEM: what is recorded today stays closed to tomorrow's machines.
const groups = "X25519MLKEM768:X25519:prime256v1:secp384r1";

// Without tickets, and with no cache of ours, no session is ever resumed, so no client's certificate goes unchecked:
// docs/decisions/0029-tls.md.
const secureOptions =
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_NO_TICKET |
  constants.SSL_OP_NO_COMPRESSION |
  constants.SSL_OP_CIPHER_SERVER_PREFERENCE;

function digestOf(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("base64url");
}

/** OpenSSL has the last word, so it is asked before the new files replace anything. */
function tryContext(context: SecureContextOptions, { certificate }: TlsSettings): void {
  try {
    createSecureContext(context);
  } catch (cause) {
    throw new StartRefused(`${certificate.path} and its companions are refused by the TLS library`, { cause });
  }
}

function readTrust(settings: TlsSettings, now: Date): Promise<ClientTrust> | undefined {
  const { clientAuth, clientAuthorities, revoked } = settings;
  if (clientAuth === "off") return undefined;
  if (clientAuthorities === undefined) throw new StartRefused("GATEHOUSE_TLS_CLIENT_CA_FILE is not set");
  return readClientTrust({ authorities: clientAuthorities, revoked }, now);
}

/** Throws StartRefused with one sentence about the first file that is wrong. */
export async function readMaterial(settings: TlsSettings, now: Date): Promise<Material> {
  const { cert, key, notAfter } = await readServerCertificate(settings, now);
  const trust = await readTrust(settings, now);
  const context: SecureContextOptions = {
    cert,
    key,
    minVersion: settings.minVersion,
    maxVersion: "TLSv1.3",
    ciphers,
    sigalgs,
    ecdhCurve: groups,
    honorCipherOrder: true,
    secureOptions,
    ...(trust === undefined ? {} : { ca: trust.ca }),
    ...(trust === undefined || trust.crl.length === 0 ? {} : { crl: [...trust.crl] }),
  };
  tryContext(context, settings);
  return { context, trust, notAfter, digest: digestOf([cert, key, trust?.ca ?? "", ...(trust?.crl ?? [])]) };
}

export function filesOf(settings: TlsSettings): readonly NamedFile[] {
  const { certificate, key, clientAuthorities, revoked } = settings;
  return [certificate, key, clientAuthorities, revoked].filter((file) => file !== undefined);
}
