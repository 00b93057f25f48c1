// The clients that are connected with a certificate. OpenSSL looks at one only at its handshake; a connection may outlive
// it by hours, so each is looked at again: when calls come, when time passes, and when the files change.
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../kernel/clock.ts";
import type { GatehouseError } from "../kernel/errors.ts";
import type { PeerCertificate } from "../kernel/handler.ts";
import { anchorage, chainOf, keepsAll } from "./chain.ts";
import { type CertificateFault, certificateRefused, peerCertificate } from "./client-certificate.ts";
import type { ClientTrust } from "./client-trust.ts";
import { revocationOf } from "./revocation.ts";

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
  /** Ends every connection whose certificate has expired, was revoked, or lost its authority or its list. Answers how many. */
  sweep(): number;
}

interface Connection {
  readonly certificate: PeerCertificate;
  /** The leaf first. */
  readonly chain: readonly X509Certificate[];
  verdict: Verdict;
}

/** Made once for what the files say, since verifying signatures for each connection at each look would stop the server. */
interface Verdict {
  readonly by: ClientTrust;
  readonly trusted: boolean;
  readonly revoked: boolean;
  readonly knownUntil: Date | undefined;
}

/** Reaches the socket through the proxies of node:http2 too, which hand properties on. Null = it showed none. */
const known = Symbol("client certificate");
type Known = { [known]?: Connection | GatehouseError | null };

/** No handshake takes longer; then whoever is let in was verified against the authorities of now. */
export const handshakeTimeoutMs = 10_000;

/** Without seeing the whole chain, what OpenSSL found stands as long as every authority does; then the client has to come again. */
function judgeAgain({ chain, verdict: before }: Connection, by: ClientTrust): Verdict {
  const trusted = (before.trusted && keepsAll(before.by, by)) || anchorage(chain, by) === "believed";
  return { by, trusted, ...revocationOf(chain, by.lists) };
}

function faultOf(connection: Connection, believed: ClientTrust | undefined, now: Date): CertificateFault | undefined {
  const { certificate } = connection;
  if (now >= certificate.expiresAt) return "CERTIFICATE_EXPIRED";
  if (believed === undefined) return "CERTIFICATE_UNTRUSTED";
  if (connection.verdict.by !== believed) connection.verdict = judgeAgain(connection, believed);
  const { trusted, revoked, knownUntil } = connection.verdict;
  if (!trusted) return "CERTIFICATE_UNTRUSTED";
  if (revoked) return "CERTIFICATE_REVOKED";
  return knownUntil !== undefined && now >= knownUntil ? "CERTIFICATE_REVOCATION_UNKNOWN" : undefined;
}

export function createClients({ clock, trustDomain, trust }: ClientsDeps): Clients {
  const connected = new Map<TLSSocket, Connection>();
  const dead = new WeakMap<PeerCertificate, CertificateFault>();
  let swept = trust();
  // Handshakes that are under way when an authority goes were verified with it.
  let unknownRefusedUntil = 0;

  function noteTrust(believed: ClientTrust | undefined, now: Date): void {
    if (swept !== undefined && believed !== undefined && !keepsAll(swept, believed))
      unknownRefusedUntil = now.getTime() + handshakeTimeoutMs;
    swept = believed;
  }

  function isTrusted(chain: readonly X509Certificate[], believed: ClientTrust, now: Date): boolean {
    const found = anchorage(chain, believed);
    return found === "believed" || (found === "unknown" && now.getTime() >= unknownRefusedUntil);
  }

  /** Throws when the certificate breaks a rule of its own. */
  function meet(socket: TLSSocket): Connection | GatehouseError | null {
    const chain = chainOf(socket);
    const [leaf] = chain;
    if (leaf === undefined) return null;
    if (!socket.authorized) return certificateRefused("CERTIFICATE_UNTRUSTED", socket.authorizationError);
    const believed = trust();
    if (believed === undefined) return certificateRefused("CERTIFICATE_UNTRUSTED");
    const now = clock.now();
    const verdict = { by: believed, trusted: isTrusted(chain, believed, now), ...revocationOf(chain, believed.lists) };
    const connection = { certificate: peerCertificate(leaf, trustDomain), chain, verdict };
    const fault = faultOf(connection, believed, now);
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
      const believed = trust();
      if (believed !== swept) noteTrust(believed, now);
      let ended = 0;
      for (const [socket, connection] of connected) {
        const fault = faultOf(connection, believed, now);
        if (fault === undefined) continue;
        dead.set(connection.certificate, fault);
        socket.destroy();
        ended += 1;
      }
      return ended;
    },
  };
}
