// Whom the server believes about its clients: the authorities, and what they have revoked.
import { X509Certificate } from "node:crypto";
import { type NamedFile, pemBlocks, pemBytes, readNamedFile, refused } from "./files.ts";
import { type RevocationList, readRevocationList } from "./revocation.ts";

export interface ClientTrust {
  readonly authorities: readonly X509Certificate[];
  readonly lists: readonly RevocationList[];
  /** PEM, for OpenSSL. */
  readonly ca: string;
  readonly crl: readonly string[];
}

async function readAuthorities(file: NamedFile, now: Date): Promise<Pick<ClientTrust, "authorities" | "ca">> {
  const blocks = pemBlocks((await readNamedFile(file)).toString("latin1"), "CERTIFICATE");
  if (blocks.length === 0) throw refused(file, "holds no certificate in PEM");
  let authorities: readonly X509Certificate[];
  try {
    authorities = blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw refused(file, "holds a certificate that cannot be read", cause);
  }
  if (authorities.some(({ ca }) => !ca)) throw refused(file, "holds a certificate that is no authority's");
  // One that ran out beside its successor harms nobody.
  if (authorities.every(({ validFromDate, validToDate }) => now < validFromDate || now >= validToDate))
    throw refused(file, "holds no authority that is valid now");
  return { authorities, ca: blocks.join("\n") };
}

function parseLists(file: NamedFile, blocks: readonly string[]): readonly RevocationList[] {
  try {
    return blocks.map((block) => readRevocationList(pemBytes(block)));
  } catch (cause) {
    throw refused(file, "holds a list that cannot be read", cause);
  }
}

function listFault(
  lists: readonly RevocationList[],
  authorities: readonly X509Certificate[],
  now: Date,
): string | undefined {
  if (lists.some((list) => !authorities.some((authority) => list.signedBy(authority))))
    return "holds a list that none of the authorities of GATEHOUSE_TLS_CLIENT_CA_FILE signed";
  // OpenSSL refuses every client whose authority has no list in force.
  if (lists.some(({ nextUpdate }) => nextUpdate !== undefined && nextUpdate <= now))
    return "holds a list whose next update is overdue: fetch the new one";
  const silent = authorities.some((authority) => !lists.some((list) => list.signedBy(authority)));
  return silent ? "lacks the list of one of the authorities of GATEHOUSE_TLS_CLIENT_CA_FILE" : undefined;
}

/** Throws StartRefused. */
export async function readClientTrust(
  files: { readonly authorities: NamedFile; readonly revoked: NamedFile | undefined },
  now: Date,
): Promise<ClientTrust> {
  const { authorities, ca } = await readAuthorities(files.authorities, now);
  const { revoked } = files;
  if (revoked === undefined) return { authorities, ca, lists: [], crl: [] };
  const crl = pemBlocks((await readNamedFile(revoked)).toString("latin1"), "X509 CRL");
  if (crl.length === 0) throw refused(revoked, "holds no list of revoked certificates in PEM");
  const lists = parseLists(revoked, crl);
  const fault = listFault(lists, authorities, now);
  if (fault !== undefined) throw refused(revoked, fault);
  return { authorities, ca, lists, crl };
}
