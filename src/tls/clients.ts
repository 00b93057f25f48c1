// The clients that are connected with a certificate. OpenSSL looks at one only at its handshake; a connection may outlive
// it by hours, so each is looked at again: when calls come, when time passes, and when the files change.
import { X509Certificate } from "node:crypto";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { Clock } from "../kernel/clock.ts";
import type { GatehouseError } from "../kernel/errors.ts";
import type { PeerCertificate } from "../kernel/handler.ts";
import { type CertificateFault, certificateRefused, peerCertificate } from "./client-certificate.ts";
import type { ClientTrust } from "./client-trust.ts";
import { isRevoked } from "./revocation.ts";

export interface ClientsDeps {
  readonly clock: Clock;
  readonly trustDomain: string | undefined;
  /** As the files say now; undefined = no client shows a certificate. */
  readonly trust: () => ClientTrust | undefined;
}

export interface Clients {
  /** Throws CREDENTIAL_INVALID when the certificate is not accepted. Undefined = there is none. */
  identify(socket: TLSSocket): PeerCertificate | undefined;
  /** Throws CREDENTIAL_INVALID when it has died since its handshake. */
  requireLive(certificate: PeerCertificate, now: Date): void;
  /** Ends every connection whose certificate has expired, was revoked, or lost its authority. Answers how many. */
  sweep(): number;
}

interface Connection {
  readonly certificate: PeerCertificate;
  /** The leaf first. */
  readonly chain: readonly X509Certificate[];
}

/** Reaches the socket through the proxies of node:http2 too, which hand properties on. Null = it showed none. */
const known = Symbol("client certificate");
type Known = { [known]?: Connection | GatehouseError | null };

const longestChain = 8;

function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  // What node:http2 hands out for a connection that is gone is no socket any more. The newer getPeerX509Certificate knows
  // no issuers (Node 24.21).
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate?.(true);
  while (next?.raw !== undefined && chain.length < longestChain) {
    chain.push(new X509Certificate(next.raw));
    // The root is its own issuer.
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}

function isTrusted(chain: readonly X509Certificate[], { authorities }: ClientTrust): boolean {
  return chain.some((certificate) =>
    authorities.some((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey)),
  );
}

export function createClients({ clock, trustDomain, trust }: ClientsDeps): Clients {
  const connected = new Map<TLSSocket, Connection>();
  const dead = new WeakMap<PeerCertificate, CertificateFault>();

  function faultOf({ certificate, chain }: Connection, now: Date): CertificateFault | undefined {
    const believed = trust();
    if (now >= certificate.expiresAt) return "CERTIFICATE_EXPIRED";
    if (believed === undefined || !isTrusted(chain, believed)) return "CERTIFICATE_UNTRUSTED";
    return isRevoked(chain, believed.lists) ? "CERTIFICATE_REVOKED" : undefined;
  }

  /** Throws when the certificate breaks a rule of its own. */
  function meet(socket: TLSSocket): Connection | GatehouseError | null {
    const chain = chainOf(socket);
    const [leaf] = chain;
    if (leaf === undefined) return null;
    if (!socket.authorized) return certificateRefused("CERTIFICATE_UNTRUSTED", socket.authorizationError);
    const connection = { certificate: peerCertificate(leaf, trustDomain), chain };
    const fault = faultOf(connection, clock.now());
    if (fault !== undefined) return certificateRefused(fault);
    connected.set(socket, connection);
    socket.once("close", () => connected.delete(socket));
    return connection;
  }

  return {
    identify(socket) {
      const holder = socket as Known;
      let found = holder[known];
      if (found === undefined) {
        found = meet(socket);
        holder[known] = found;
      }
      if (found instanceof Error) throw found;
      return found?.certificate;
    },

    requireLive(certificate, now) {
      const fault = now >= certificate.expiresAt ? "CERTIFICATE_EXPIRED" : dead.get(certificate);
      if (fault !== undefined) throw certificateRefused(fault);
    },

    sweep() {
      const now = clock.now();
      let ended = 0;
      for (const [socket, connection] of connected) {
        const fault = faultOf(connection, now);
        if (fault === undefined) continue;
        dead.set(connection.certificate, fault);
        socket.destroy();
        ended += 1;
      }
      return ended;
    },
  };
}
