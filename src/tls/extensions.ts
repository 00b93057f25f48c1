// The extensions of a client's certificate that node:crypto does not show, or shows only as text: its names and the uses
// of its key. Read from DER, since text with commas and quotes in it has fooled others before (CVE-2021-44532).
import { childrenOf, type DerValue, derValue, oidText, tags } from "./der.ts";

export interface LeafExtensions {
  /** Subject alternative names, as they are written. */
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** It says so itself, or its key may sign certificates or lists of revoked ones. */
  readonly isAuthority: boolean;
}

const subjectAltName = "2.5.29.17";
const keyUsage = "2.5.29.15";
const basicConstraints = "2.5.29.19";
// The [3] of TBSCertificate (RFC 5280 section 4.1) and the names of GeneralName (section 4.2.1.6).
const extensionsTag = 0xa3;
const dnsNameTag = 0x82;
const uriTag = 0x86;
// keyCertSign is bit 5 and cRLSign bit 6, counted from the left.
const signingBits = 0b0000_0110;

function extensionValues(certificate: Buffer): ReadonlyMap<string, Buffer> {
  const [body] = childrenOf(derValue(certificate, tags.sequence));
  const wrapper = body && childrenOf(body).find(({ tag }) => tag === extensionsTag);
  if (wrapper === undefined) return new Map();
  const extensions = childrenOf(derValue(wrapper.content, tags.sequence)).map(childrenOf);
  const values = new Map<string, Buffer>();
  for (const parts of extensions) {
    const [id, value] = [parts[0], parts.at(-1)];
    if (id?.tag !== tags.oid || value?.tag !== tags.octetString) throw new RangeError("an extension in another form");
    const name = oidText(id.content);
    // RFC 5280 section 4.2: not more than one instance. Two readers could each believe another one.
    if (values.has(name)) throw new RangeError("an extension twice");
    values.set(name, value.content);
  }
  return values;
}

const visible = /^[\x21-\x7e]+$/;

function namesOf(names: readonly DerValue[], tag: number): readonly string[] {
  return names
    .filter((name) => name.tag === tag)
    .map(({ content }) => {
      const text = content.toString("latin1");
      // A NUL or a line break inside a name is an attack, not a name.
      if (!visible.test(text)) throw new RangeError("a name that is no visible ASCII");
      return text;
    });
}

/** What a list of revoked certificates knows a certificate by: the DER of its issuer's name, and its serial number. */
export function issuedAs(certificate: Buffer): { readonly issuer: Buffer; readonly serial: Buffer } {
  const [body] = childrenOf(derValue(certificate, tags.sequence));
  const parts = body === undefined ? [] : childrenOf(body);
  // The version comes first, unless it is 1.
  const [serial, , issuer] = parts[0]?.tag === tags.integer ? parts : parts.slice(1);
  if (serial?.tag !== tags.integer || issuer?.tag !== tags.sequence) throw new RangeError("no certificate");
  return { issuer: issuer.whole, serial: serial.content };
}

/** cA comes first, and false is left out. */
function saysAuthority(constraints: Buffer | undefined): boolean {
  if (constraints === undefined) return false;
  const [first] = childrenOf(derValue(constraints, tags.sequence));
  return first?.tag === tags.boolean && first.content[0] !== 0;
}

/** `certificate` in DER. Throws RangeError when it is not as RFC 5280 has it. */
export function leafExtensions(certificate: Buffer): LeafExtensions {
  const values = extensionValues(certificate);
  const alternatives = values.get(subjectAltName);
  const names = alternatives === undefined ? [] : childrenOf(derValue(alternatives, tags.sequence));
  const uses = values.get(keyUsage);
  const [, bits = 0] = uses === undefined ? [] : derValue(uses, tags.bitString).content;
  return {
    uris: namesOf(names, uriTag),
    dnsNames: namesOf(names, dnsNameTag),
    isAuthority: (bits & signingBits) !== 0 || saysAuthority(values.get(basicConstraints)),
  };
}
