// What one slice offers to the others and to the chain. Slices never import slices: they meet here, in the composition root.
import type { FeedEvent, Transaction } from "./database.ts";
import type { PeerCertificate, Possession } from "./handler.ts";
import type { Principal, Standing } from "./principal.ts";
import type { SignatureAlgorithm } from "./sealing.ts";

/** A token, and what its bearer shows beside it. */
export interface ShownToken {
  readonly token: string;
  /** Of the metadata `authorization`. */
  readonly scheme: "bearer" | "dpop";
  readonly possession: Possession;
}

/** Answers who a bearer token speaks for. Offered by Token, asked by the chain before the body is read. */
export interface Authenticator {
  /**
   * Checks form, signature, kind, issuer, audience, time, revocation and standing on every call; only the signature is
   * remembered. Answers at once when everything is known, with a promise otherwise. Throws one of the TOKEN_ reasons,
   * which the chain answers as CREDENTIAL_INVALID.
   */
  authenticate(token: string, now: Date): Principal | Promise<Principal>;
}

/** Answers whether a bearer may bear a bound token. Offered by Token, asked by the chain. */
export interface PossessionGuard {
  /**
   * Whether the bearer has what the token is bound to (RFC 8705 section 3, RFC 9449 section 7). Needed where the principal has a
   * confirmation, and where the token came as DPoP; once for each request, since a proof works once. Throws
   * CREDENTIAL_INVALID, PROOF_INVALID, PROOF_NONCE_REQUIRED. Errors: DATABASE_UNAVAILABLE.
   */
  requirePossession(principal: Principal, shown: ShownToken, now: Date): void | Promise<void>;
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

/** What a credential of a service account says about whoever shows it. The account is active. */
export interface ServiceCredential {
  readonly principalId: string;
  /** As of this look, from memory at most one second behind the database. */
  readonly standing: Standing;
  /** Never empty; `*` alone narrows nothing. Whatever is issued for the credential holds no other scope. */
  readonly scopes: readonly string[];
  /** Nothing that is issued for the credential lives longer. Undefined = it ends by being revoked. */
  readonly expiresAt: Date | undefined;
}

export interface ApiKeyCredential extends ServiceCredential {
  /** UUID, without prefix. Its end is announced as the feed's `credential` of this id, so that what was issued for it ends too. */
  readonly keyId: string;
}

/** Answers who an API key speaks for. Offered by Auth. */
export interface ApiKeys {
  /**
   * Throws CREDENTIAL_INVALID, the same bare answer whatever is wrong: malformed, unknown, expired, revoked, or of an account
   * that is disabled or gone. Asks the database each time, so a revoked key is dead at once. Errors: DATABASE_UNAVAILABLE.
   */
  verify(text: string, now: Date): Promise<ApiKeyCredential>;
}

export interface WorkloadCredential extends ServiceCredential {
  /** UUID, without prefix. Its end is announced as the feed's `credential` of this id. */
  readonly bindingId: string;
  /** What of the evidence is bound: a SPIFFE id, a DNS name, or `system:serviceaccount:namespace:name`. */
  readonly subject: string;
}

/** Answers who a workload's evidence speaks for. Offered by Auth. */
export interface WorkloadBindings {
  /**
   * Of a certificate that the door verified. At once when it is in memory. Undefined = bound to nobody. Throws
   * CREDENTIAL_INVALID when it is bound to an account that is gone or not active. Errors: DATABASE_UNAVAILABLE.
   */
  ofCertificate(
    certificate: PeerCertificate,
    now: Date,
  ): WorkloadCredential | undefined | Promise<WorkloadCredential | undefined>;
  /**
   * Of a Kubernetes service account token, which names this installation as audience. Throws CREDENTIAL_INVALID, the same
   * whatever is wrong. Errors: DATABASE_UNAVAILABLE; WORKLOAD_ISSUER_UNAVAILABLE when the issuer's keys cannot be had.
   */
  ofKubernetesToken(text: string, now: Date): Promise<WorkloadCredential>;
}

/** An application, as it was made known. What is not set here is as the installation has it. */
export interface Client {
  /** Chosen at creation, `^[a-z][a-z0-9-]{1,62}$`; the `client_id` of its tokens. Never the built-in client `gatehouse`. */
  readonly id: string;
  /**
   * Raised whenever everything that was handed out for the client dies: disabled, or deleted and made again. Sessions and
   * access tokens of the client keep it; those of an older one are dead.
   */
  readonly generation: number;
  readonly disabled: boolean;
  /** True = it has secrets and must show one. A public client never has a principal, and never exchanges. */
  readonly confidential: boolean;
  /** May log people in, and refresh their sessions. */
  readonly logins: boolean;
  /** May exchange tokens (RFC 8693). */
  readonly exchange: boolean;
  /** UUID of the service account that it acts as for client credentials; undefined = it has no tokens of its own. */
  readonly principalId: string | undefined;
  /** Never empty; the first one is meant when none is asked for. No other audience is ever given. */
  readonly audiences: readonly string[];
  /** Never empty; `*` alone narrows nothing. No other scope is ever given. */
  readonly scopes: readonly string[];
  /** Upper bounds, each below that of the installation when it was set: take the lesser of both. Undefined = the installation's. */
  readonly accessTokenLifetimeMs: number | undefined;
  readonly refreshTokenLifetimeMs: number | undefined;
  /** Undefined = the installation's. */
  readonly algorithm: SignatureAlgorithm | undefined;
  /** `off` keeps the original refresh token; of confidential clients only. */
  readonly refreshRotation: "rotate" | "off";
  readonly senderConstraint: "none" | "dpop" | "mtls";
  /** Public JWK of the audience, checked when it was stored (`kty`, `kid` and `alg` are there); its access tokens are JWE. */
  readonly encryptionKey: Readonly<Record<string, string>> | undefined;
  /** Whether access tokens of people carry their display name (J-02). */
  readonly displayNameClaim: boolean;
}

/** Answers which application calls. Offered by Auth. The built-in client is not among them: it is known by its name alone. */
export interface Clients {
  /**
   * From memory, at most one second behind the database, else from the database. Disabled ones are answered too: ask.
   * Errors: DATABASE_UNAVAILABLE.
   */
  find(clientId: string, now: Date): Client | undefined | Promise<Client | undefined>;
  /**
   * An enabled client that showed its secret. The empty secret is that of a public client, and of no other. Throws
   * CLIENT_INVALID, with the same work and the same bare answer whatever is wrong: unknown, disabled, secret wrong, expired,
   * revoked, missing, or there where none belongs. Errors: DATABASE_UNAVAILABLE.
   */
  authenticate(clientId: string, secret: string, now: Date): Promise<Client>;
}

/** Answers who calls where a client shows its secret and not a token. Offered by Auth, asked by the chain. */
export interface ClientPrincipals {
  /**
   * The service account that the client acts as, within the scopes of the client, or nobody in particular: a principal without an
   * id, that holds nothing. Throws CLIENT_INVALID, as `Clients.authenticate` does. Errors: DATABASE_UNAVAILABLE.
   */
  authenticate(clientId: string, secret: string, now: Date): Promise<Principal>;
}

/** Answers what a person is called. Offered by Auth, asked by Token for clients whose tokens say it. */
export interface DisplayNames {
  /** Undefined = nobody knows, because it was never said, or was erased. Errors: DATABASE_UNAVAILABLE, KEYS_UNAVAILABLE. */
  of(principalId: string): Promise<string | undefined>;
}

/** What a Kubernetes token says, once it is verified. */
export interface WorkloadEvidence {
  readonly issuer: string;
  /** `system:serviceaccount:namespace:name`. */
  readonly subject: string;
  readonly expiresAt: Date;
}

/** The clusters whose tokens are believed, as the settings name them. Offered by an adapter, asked by Auth. */
export interface WorkloadIssuers {
  knows(issuer: string): boolean;
  /** Throws CREDENTIAL_INVALID, the same whatever is wrong; WORKLOAD_ISSUER_UNAVAILABLE when the issuer's keys cannot be had. */
  verify(token: string, now: Date): Promise<WorkloadEvidence>;
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

/** Ends at once whatever was handed out for a principal. Offered by Auth. */
export interface Generations {
  /** In the transaction: its next generation, announced to replicas and guards. Throws PRINCIPAL_NOT_FOUND. */
  raise(tx: Transaction, principalId: string, now: Date): Promise<number>;
}

/** A part of the feed. */
export interface FeedPage {
  /** In the order of their numbers; those that mean something still. */
  readonly events: readonly FeedEvent[];
  /** Everything up to this number is known after it. */
  readonly upTo: number;
  /** True when more may be had at once. */
  readonly more: boolean;
}

/** The feed, read again from any place, for whoever hands it on. Offered by the feed. */
export interface FeedReplay {
  /** Another one each time the database was set back to an earlier state: numbers of before mean nothing then. */
  readonly era: number;
  /** Number of the newest event that is known here. */
  readonly head: number;
  /** When the last look that was answered began. */
  lookedAt(): Date;
  /** What came after a number; from memory when it is of late, else from the database. Errors: DATABASE_UNAVAILABLE. */
  after(number: number, now: Date): Promise<FeedPage>;
  /** Looks now, so that `head` is at least as new as this call. Errors: DATABASE_UNAVAILABLE. */
  poll(): Promise<void>;
  /** Resolves after the next look that was answered, or when `signal` aborts. */
  looked(signal: AbortSignal): Promise<void>;
}

/** Writes ownership. Offered by Auth. */
export interface Ownership {
  /** In the transaction that creates the resource: the creator, who stands as is known now, becomes editor of it. */
  own(tx: Transaction, creator: Standing, resource: string, now: Date): Promise<void>;
}
