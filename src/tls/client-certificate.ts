// From a client's certificate, whose chain OpenSSL has verified, to what Gatehouse says of it. Its subject (CN) is never
// looked at: names stand in the subject alternative names (RFC 9525), a SPIFFE id in the one URI (X509-SVID section 2).
import { createHash, type X509Certificate } from "node:crypto";
import { GatehouseError } from "../kernel/errors.ts";
import type { PeerCertificate } from "../kernel/handler.ts";
import { parseSpiffeId } from "../kernel/spiffe.ts";
import { leafExtensions } from "./extensions.ts";

export type CertificateFault =
  | "CERTIFICATE_EXPIRED"
  | "CERTIFICATE_REVOKED"
  | "CERTIFICATE_REVOCATION_UNKNOWN"
  | "CERTIFICATE_UNTRUSTED"
  | "CERTIFICATE_UNACCEPTABLE"
  | "CERTIFICATE_UNBOUND";

/** One answer outside, the finer one for the audit trail. */
export function certificateRefused(fault: CertificateFault, cause?: unknown): GatehouseError {
  return new GatehouseError("CREDENTIAL_INVALID", { auditReason: fault, cause });
}

/** Throws a RangeError that says which rule of X509-SVID is broken; its text holds nothing of the certificate. */
function spiffeIdOf(
  uris: readonly string[],
  isAuthority: boolean,
  trustDomain: string | undefined,
): string | undefined {
  const [uri, ...more] = uris.filter((text) => /^spiffe:/i.test(text));
  if (uri === undefined) return undefined;
  if (more.length > 0 || uris.length > 1) throw new RangeError("a SPIFFE id beside another URI");
  if (isAuthority) throw new RangeError("a SPIFFE id in the certificate of an authority");
  const id = parseSpiffeId(uri);
  if (id === undefined || id.path === "") throw new RangeError("a SPIFFE id that names no workload");
  if (trustDomain !== undefined && id.trustDomain !== trustDomain)
    throw new RangeError("a SPIFFE id of another trust domain");
  return uri;
}

/**
 * What `leaf` says of its holder. `trustDomain` = the only one whose SPIFFE ids are taken; undefined = whichever the
 * trusted authorities vouch for. Throws CREDENTIAL_INVALID when a rule for such certificates is broken.
 */
export function peerCertificate(leaf: X509Certificate, trustDomain: string | undefined): PeerCertificate {
  try {
    const { uris, dnsNames, isAuthority } = leafExtensions(leaf.raw);
    return {
      spiffeId: spiffeIdOf(uris, isAuthority, trustDomain),
      dnsNames: dnsNames.map((name) => name.toLowerCase()),
      thumbprint: createHash("sha256").update(leaf.raw).digest("base64url"),
      expiresAt: leaf.validToDate,
    };
  } catch (cause) {
    throw certificateRefused("CERTIFICATE_UNACCEPTABLE", cause);
  }
}
