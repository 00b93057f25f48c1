// What the doors get of transport security. One object serves both doors: the certificates, their reload and the clients
// that they let in are the same.
import type { SecureContextOptions, Server, TLSSocket, TlsOptions } from "node:tls";
import type { PeerCertificate } from "../kernel/handler.ts";
import type { PreparedReload } from "../kernel/reload.ts";

export interface TransportSecurity {
  /** For `tls.createServer` or `http2.createSecureServer`; ALPN is left to the door. */
  readonly options: TlsOptions;
  /**
   * Call once for each listening server, when its own listeners are there and before its first connection: new
   * connections use new certificates as soon as they are read, clients whose certificate is not accepted are cut off
   * right after their handshake, before those listeners see the connection, and failed handshakes are counted. Answers
   * how to let go.
   */
  guard(server: Server): () => void;
  /** For a door that cannot use `guard`: hears of each new context, for `server.setSecureContext`. */
  onChange(listener: (context: SecureContextOptions) => void): () => void;
  /**
   * What the client's certificate says; undefined = it showed none. The same object for each call on a connection.
   * Takes a TLSSocket or the proxy of it that node:http2 hands out. Throws CREDENTIAL_INVALID when the certificate is not
   * accepted; the connection must be ended then, which `guard` does.
   */
  identify(socket: TLSSocket): PeerCertificate | undefined;
}

/** `kept` = the files are wrong, so the earlier ones stay in force. */
export type ReloadOutcome = "changed" | "unchanged" | "kept";

/** What the composition root gets beside: the life of it. */
export interface TransportSecurityControl extends TransportSecurity {
  /** Reads and checks the files, now; nothing changes before `apply`. Throws StartRefused, which says which file is wrong. */
  prepare(): Promise<PreparedReload>;
  /** Both at once, never throws: a broken file keeps the earlier ones and is logged and counted. */
  reload(): Promise<ReloadOutcome>;
  /** For the chain: throws CREDENTIAL_INVALID when a certificate has expired or was revoked since its handshake. */
  requireLive(certificate: PeerCertificate, now: Date): void;
  /** Stops looking at the files. Connections stay. */
  close(): void;
}
