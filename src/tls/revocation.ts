// Lists of revoked certificates (RFC 5280 section 5). OpenSSL asks them at the handshake; we ask them again for connections
// that stand already, which OpenSSL never looks at any more.
import { verify, type X509Certificate } from "node:crypto";
import { childrenOf, type DerValue, derTime, derValue, derValues, oidText, tags } from "./der.ts";
import { issuedAs } from "./extensions.ts";

export interface RevocationList {
  /** DER of the issuer's name. */
  readonly issuer: Buffer;
  /** After this the list says nothing any more; undefined = it never goes stale. */
  readonly nextUpdate: Date | undefined;
  /** True when an authority with this key signed the list. */
  signedBy(authority: X509Certificate): boolean;
  /** Serial numbers of what is revoked, content of the INTEGER in latin1. */
  readonly serials: ReadonlySet<string>;
}

// Signature algorithms of RFC 4055, 5758 and 8410; SHA-1 is missing on purpose.
const digests: Readonly<Record<string, string | null>> = {
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.3.101.112": null,
};

const isTime = ({ tag }: DerValue) => tag === tags.utcTime || tag === tags.generalizedTime;

function serialsOf(entries: DerValue | undefined): ReadonlySet<string> {
  const serials = new Set<string>();
  if (entries === undefined) return serials;
  // One at a time: a list may hold a hundred thousand.
  for (const entry of derValues(entries.content)) {
    const { tag, content } = derValues(entry.content).next().value ?? entry;
    if (tag !== tags.integer) throw new RangeError("an entry without serial number");
    serials.add(content.toString("latin1"));
  }
  return serials;
}

/** TBSCertList: version, signature, issuer, thisUpdate, nextUpdate, revokedCertificates, extensions; some may be missing. */
function readBody(body: DerValue) {
  const parts = childrenOf(body);
  const [, issuer, thisUpdate, ...rest] = parts[0]?.tag === tags.integer ? parts.slice(1) : parts;
  if (issuer?.tag !== tags.sequence || thisUpdate === undefined)
    throw new RangeError("no list of revoked certificates");
  derTime(thisUpdate);
  const [first] = rest;
  const next = first !== undefined && isTime(first) ? first : undefined;
  const [entries] = next === undefined ? rest : rest.slice(1);
  return {
    issuer: issuer.whole,
    nextUpdate: next === undefined ? undefined : derTime(next),
    serials: serialsOf(entries?.tag === tags.sequence ? entries : undefined),
  };
}

function checker(body: DerValue, algorithm: DerValue, signature: DerValue) {
  const [id] = childrenOf(algorithm);
  const digest = id?.tag === tags.oid ? digests[oidText(id.content)] : undefined;
  // The first byte of a BIT STRING counts the bits left over; signatures are whole bytes.
  const bytes = signature.content.subarray(1);
  return (authority: X509Certificate): boolean =>
    digest !== undefined && verify(digest, body.whole, authority.publicKey, bytes);
}

/** Throws RangeError when `bytes` are no list in DER. Whether it is to be believed is for `signedBy`. */
export function readRevocationList(bytes: Buffer): RevocationList {
  const [body, algorithm, signature] = childrenOf(derValue(bytes, tags.sequence));
  if (body === undefined || algorithm === undefined || signature?.tag !== tags.bitString)
    throw new RangeError("no list of revoked certificates");
  return { ...readBody(body), signedBy: checker(body, algorithm, signature) };
}

export interface Revocation {
  /** A list of its issuer names one of the chain's certificates. */
  readonly revoked: boolean;
  /** Until the first list that was asked is overdue, and nobody knows any more; undefined = for ever. */
  readonly knownUntil: Date | undefined;
}

export function revocationOf(chain: readonly X509Certificate[], lists: readonly RevocationList[]): Revocation {
  const issued = lists.length === 0 ? [] : chain.map((certificate) => issuedAs(certificate.raw));
  const asked = issued.flatMap(({ issuer, serial }) =>
    lists.filter((list) => list.issuer.equals(issuer)).map((list) => ({ list, serial: serial.toString("latin1") })),
  );
  const ends = asked.flatMap(({ list }) => list.nextUpdate?.getTime() ?? []);
  return {
    revoked: asked.some(({ list, serial }) => list.serials.has(serial)),
    knownUntil: ends.length === 0 ? undefined : new Date(Math.min(...ends)),
  };
}
