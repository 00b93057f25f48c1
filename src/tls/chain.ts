// The chain of a client's certificate, as far as Node shows it, and whether it leads to an authority that is believed.
import { X509Certificate } from "node:crypto";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { ClientTrust } from "./client-trust.ts";

const longestChain = 8;

/** The leaf first; empty = the client showed none. */
export function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  // What node:http2 hands out for a connection that is gone is no socket any more. The newer getPeerX509Certificate knows
  // no issuers (Node 24.21), and this one only those of our own files: https://github.com/nodejs/node/issues/65579.
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate?.(true);
  while (next?.raw !== undefined && chain.length < longestChain) {
    chain.push(new X509Certificate(next.raw));
    // The root is its own issuer.
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}

function isIssued(certificate: X509Certificate, by: X509Certificate): boolean {
  return certificate.checkIssued(by) && certificate.verify(by.publicKey);
}

/** `unknown` = it ends below an authority that the client sent, which Node does not show. */
export function anchorage(
  chain: readonly X509Certificate[],
  { authorities }: ClientTrust,
): "believed" | "unknown" | "not believed" {
  for (const [index, certificate] of chain.entries()) {
    if (authorities.some((authority) => isIssued(certificate, authority))) return "believed";
    const issuer = chain[index + 1];
    if (issuer === undefined) return certificate.checkIssued(certificate) ? "not believed" : "unknown";
    // Node leads from one to the next by names alone, and the client chose what it sent.
    if (!isIssued(certificate, issuer)) return "not believed";
  }
  return "not believed";
}

/** Nobody is believed less than before. */
export function keepsAll(before: ClientTrust, after: ClientTrust): boolean {
  return before.authorities.every(({ raw }) => after.authorities.some((other) => other.raw.equals(raw)));
}
