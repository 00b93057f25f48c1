// How Gatehouse as a client verifies the servers that it stands on (Postgres, Redis): against pinned authorities, and
// against the very host that the setting names. There is no option to verify less.
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { type ConnectionOptions, checkServerIdentity } from "node:tls";
import { StartRefused } from "../kernel/start-refused.ts";
import { type NamedFile, pemBlocks, refused } from "./files.ts";

export interface ServerTrust {
  /** As the setting has it: the certificate must be for this name or address. */
  readonly host: string;
  /** Authorities in PEM; undefined = those that Node brings. */
  readonly ca: string | undefined;
}

/** For `tls.connect`, also over a socket that is connected already, which otherwise would be taken for `localhost`. */
export function verifyingOptions({ host, ca }: ServerTrust): ConnectionOptions {
  return {
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  };
}

/** Throws StartRefused when there is no certificate in the file. */
export function readAuthorities(file: NamedFile): string {
  try {
    const blocks = pemBlocks(readFileSync(file.path, "latin1"), "CERTIFICATE");
    if (blocks.length === 0) throw refused(file, "holds no certificate in PEM");
    return blocks.join("\n");
  } catch (cause) {
    throw cause instanceof StartRefused ? cause : refused(file, "cannot be read", cause);
  }
}
