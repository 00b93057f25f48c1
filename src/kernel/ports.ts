// What one slice offers to the others and to the chain. Slices never import slices: they meet here, in the composition root.
import type { Transaction } from "./database.ts";
import type { Peer, PeerCertificate } from "./handler.ts";
import type { Principal, Standing } from "./principal.ts";

/** Answers who a bearer token speaks for. Offered by Token, asked by the chain before the body is read. */
export interface Authenticator {
  /**
   * Checks form, signature, kind, issuer, audience, time, revocation and standing on every call; only the signature is
   * remembered. Answers at once when everything is known, with a promise otherwise. Throws one of the TOKEN_ reasons,
   * which the chain answers as CREDENTIAL_INVALID.
   */
  authenticate(token: string, now: Date): Principal | Promise<Principal>;
}

/** Answers who a client certificate speaks for. Offered by transport security, asked by the chain. */
export interface WorkloadIdentities {
  /** Throws CREDENTIAL_INVALID when the certificate has expired or was revoked since its handshake. */
  requireLive(certificate: PeerCertificate, now: Date): void;
  /**
   * The principal that the certificate is bound to, for a call without a bearer token; undefined = to none. Throws
   * CREDENTIAL_INVALID when it is bound to one that is gone or not active. Errors: DATABASE_UNAVAILABLE.
   */
  principalOf(certificate: PeerCertificate, now: Date): Principal | undefined | Promise<Principal | undefined>;
}

/** Answers what is known of a principal. Offered by Auth. */
export interface Standings {
  /** From memory, at most one second behind the database; undefined when it is not in memory. */
  peek(principalId: string): Standing | undefined;
  /** Undefined = no such principal. Errors: DATABASE_UNAVAILABLE. */
  of(principalId: string): Promise<Standing | undefined>;
  /** From the database, for STRONG and for decisions about grants. */
  fresh(principalId: string): Promise<Standing | undefined>;
}

/** Answers whether what is in memory may still be relied upon. Offered by the feed. */
export interface Freshness {
  /** False when the last look at the feed is older than one second: ask the database then. */
  fresh(now: Date): boolean;
}

/** Writes ownership. Offered by Auth. */
export interface Ownership {
  /** In the transaction that creates the resource: the creator, who stands as is known now, becomes editor of it. */
  own(tx: Transaction, creator: Standing, resource: string, now: Date): Promise<void>;
}

export interface NewSession {
  readonly standing: Standing;
  readonly clientId: string;
  /** Undefined = the installation's default audience. */
  readonly audience: string | undefined;
  /** Empty = no narrowing. */
  readonly scopes: readonly string[];
  readonly authenticationMethods: readonly string[];
  readonly authenticationContext: string;
  readonly deviceName: string;
  readonly peer: Peer;
  readonly now: Date;
}

export interface IssuedTokens {
  readonly accessToken: string;
  readonly accessTokenExpiresAt: Date;
  readonly refreshToken: string;
  readonly refreshTokenExpiresAt: Date;
  readonly sessionId: string;
  readonly scopes: readonly string[];
  readonly audience: string;
}

/** A session that is signed and sealed but not yet stored; its tokens are dead until it is. */
export interface PreparedSession {
  readonly tokens: IssuedTokens;
  store(tx: Transaction): Promise<void>;
}

export interface LiveSession {
  readonly id: string;
  readonly deviceName: string;
  readonly address: string;
  readonly createdAt: Date;
  readonly refreshedAt: Date;
  readonly idleExpiresAt: Date;
  readonly absoluteExpiresAt: Date;
}

/** Sessions and their tokens. Offered by Token, asked by Auth. */
export interface Sessions {
  /**
   * Signs the first tokens, outside any transaction. `sealDevice` seals name and address of the device under the
   * subject's key. Errors: KEYS_UNAVAILABLE, AUDIENCE_UNKNOWN.
   */
  prepare(
    session: NewSession,
    sealDevice: (sessionId: string, device: Uint8Array) => Buffer | Promise<Buffer>,
  ): Promise<PreparedSession>;
  /** Live sessions of a person after `after` (a session id), newest first. */
  list(principalId: string, after: string | undefined, limit: number, now: Date): Promise<readonly LiveSession[]>;
  /** Ends the session and announces it; false when the principal has no such live session. */
  end(tx: Transaction, principalId: string, sessionId: string, reason: string, now: Date): Promise<boolean>;
}
