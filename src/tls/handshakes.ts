// What happens at a listening server: contexts are replaced under it, clients that are not accepted are cut off before
// anyone else sees them, and failed handshakes are counted by their cause.
import type { Server, TLSSocket } from "node:tls";
import type { Counter, Metrics } from "../kernel/metrics.ts";
import type { Clients } from "./clients.ts";

// Causes come from the other side, and each label is kept for ever: what is not in this list is `other`.
const causes: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "no_certificate",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "old_protocol",
  ERR_SSL_VERSION_TOO_LOW: "old_protocol",
  ERR_SSL_NO_SHARED_CIPHER: "no_shared_cipher",
  ERR_SSL_HTTP_REQUEST: "plaintext",
  ERR_SSL_WRONG_VERSION_NUMBER: "plaintext",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "plaintext",
  ERR_SSL_INVALID_COMMAND: "plaintext",
  ERR_TLS_HANDSHAKE_TIMEOUT: "timeout",
  ECONNRESET: "cut_off",
  CERT_HAS_EXPIRED: "certificate",
  CERT_NOT_YET_VALID: "certificate",
  CERT_REVOKED: "certificate",
  CRL_HAS_EXPIRED: "stale_revocation_list",
  UNABLE_TO_GET_CRL: "stale_revocation_list",
  INVALID_PURPOSE: "certificate",
  INVALID_CA: "certificate",
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate",
  UNABLE_TO_GET_ISSUER_CERT: "certificate",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate",
};

export interface Handshakes {
  guard(server: Server): void;
}

function causeOf(error: Error, socket: TLSSocket): string {
  // Where our own verdict ends the handshake, the socket says why, and the error only that it was reset.
  const verdict = socket.authorizationError as unknown;
  const code = typeof verdict === "string" ? verdict : (error as NodeJS.ErrnoException).code;
  return causes[code ?? ""] ?? "other";
}

export function createHandshakes(deps: { readonly clients: Clients; readonly metrics: Metrics }): Handshakes {
  const failed = deps.metrics.counter({
    name: "gatehouse_tls_handshakes_failed_total",
    help: "TLS handshakes that came to nothing, by cause.",
    labels: ["cause"],
  });
  const counters = new Map<string, Counter>();
  function count(cause: string): void {
    const counter = counters.get(cause) ?? failed.with({ cause });
    counters.set(cause, counter);
    counter.add();
  }

  function isAccepted(socket: TLSSocket): boolean {
    try {
      deps.clients.identify(socket);
      return true;
    } catch {
      count("certificate");
      return false;
    }
  }

  return {
    guard(server) {
      // In front of them, not beside them: node:http2 would open a session on a socket that is destroyed already.
      const others = server.listeners("secureConnection");
      server.removeAllListeners("secureConnection");
      server.on("secureConnection", (socket) => {
        if (!isAccepted(socket)) socket.destroy();
        else for (const listener of others) listener.call(server, socket);
      });
      server.on("tlsClientError", (error, socket) => {
        count(causeOf(error, socket));
        socket.destroy();
      });
    },
  };
}
