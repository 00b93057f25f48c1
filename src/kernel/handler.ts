// What a handler is: a function from a decoded, authorised and valid request to an answer, that knows no wire.
import type { DescMethod, DescService, MessageShape } from "@bufbuild/protobuf";
import type { AuditDraft } from "./audit.ts";
import type { Transaction } from "./database.ts";
import type { Principal, Visibility } from "./principal.ts";
import type { SharedEffect } from "./unit-of-work.ts";

export interface Peer {
  /** Textual network address without port, `unix` for a Unix socket. */
  readonly address: string;
  readonly userAgent: string;
  /** What the caller's certificate says; undefined = it showed none. Verified by the door, revocation included. */
  readonly certificate?: PeerCertificate | undefined;
}

/** A verified client certificate. Identity comes from the subject alternative names and from nowhere else. */
export interface PeerCertificate {
  /** `spiffe://trust-domain/path` (SPIFFE X.509-SVID section 2); undefined = the certificate holds none. */
  readonly spiffeId: string | undefined;
  /** DNS names, in lower case. */
  readonly dnsNames: readonly string[];
  /** SHA-256 of the DER form, base64url: `x5t#S256` of RFC 8705. */
  readonly thumbprint: string;
  readonly expiresAt: Date;
}

/** What a caller can show of what tokens are bound to (RFC 9449, RFC 8705). Nothing of it is checked yet but the certificate. */
export interface Possession {
  /** Every value of the metadata `dpop`. */
  readonly proofs: readonly string[];
  /** Of the HTTP request that the call came in. */
  readonly httpMethod: string;
  /** Of the HTTP request; begins with a slash, without query. */
  readonly path: string;
  readonly certificate: PeerCertificate | undefined;
}

/** One call, as a handler sees it. */
export interface Call {
  /** Undefined only for methods whose access is PUBLIC. */
  readonly principal: Principal | undefined;
  /** When the call arrived; the only time a handler may use. */
  readonly now: Date;
  /** Aborted when the caller goes away or the deadline passes; handed on to whatever waits. */
  readonly signal: AbortSignal;
  /** Id of the call, given by the caller in `x-request-id` or made by the chain. */
  readonly requestId: string;
  readonly peer: Peer;
  readonly possession: Possession;
  /** The record of this call in the making. */
  readonly audit: AuditDraft;
  /** True when the caller holds `permission` on `resource` and its token's scopes do not take it away. */
  holds(permission: string, resource: string): boolean;
  /**
   * Counts a guess at the password of whoever has the login name, together with the guesses of Login; asked before anything is
   * hashed, by methods that find out by themselves whose password it is. Throws RATE_LIMITED, LIMITS_UNAVAILABLE.
   */
  guess(loginName: string): Promise<void>;
  /** What of the tree under `parent` a listing may show. */
  visible(permission: string, parent: string): Visibility;
  /**
   * The unit of work of this call: runs `work` in one transaction and commits its effect, the audit record and, when
   * the request has a `request_id`, the answer for repeats. A repeat that runs at the same time gets the first one's answer.
   */
  commit<T extends object>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * The same in one transaction with others of the same effect. Undefined = nothing happened and nothing was recorded; `commit`
   * then finds out why. For requests without `request_id`.
   */
  commitTogether<Input, Answer>(effect: SharedEffect<Input, Answer>, input: Input): Promise<Answer | undefined>;
}

/** An answer that was serialised before, for methods that give the same bytes again and again. */
export class EncodedAnswer {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

type UnaryAnswer<M extends DescMethod> = MessageShape<M["output"]> | EncodedAnswer;

export type UnaryHandler<M extends DescMethod> = (
  request: MessageShape<M["input"]>,
  call: Call,
) => Promise<UnaryAnswer<M>>;

/** For methods that often know the answer: without a promise, no deadline has to watch over it. */
export type PromptHandler<M extends DescMethod> = (
  request: MessageShape<M["input"]>,
  call: Call,
) => Promise<UnaryAnswer<M>> | UnaryAnswer<M>;

export type ServerStreamHandler<M extends DescMethod> = (
  request: MessageShape<M["input"]>,
  call: Call,
) => AsyncIterable<MessageShape<M["output"]>>;

export type BidiStreamHandler<M extends DescMethod> = (
  requests: AsyncIterable<MessageShape<M["input"]>>,
  call: Call,
) => AsyncIterable<MessageShape<M["output"]>>;

type HandlerOf<M extends DescMethod> = M["methodKind"] extends "unary"
  ? PromptHandler<M>
  : M["methodKind"] extends "server_streaming"
    ? ServerStreamHandler<M>
    : BidiStreamHandler<M>;

/** A handler for every method of the service, under its name in lower camel case. */
export type Handlers<S extends DescService> = { readonly [K in keyof S["method"]]: HandlerOf<S["method"][K]> };

/** A service and its handlers, as a slice offers it to the composition root. */
export interface ServiceBinding {
  readonly service: DescService;
  readonly handlers: Readonly<Record<string, unknown>>;
}

/** Ties handlers to their service with the types checked. */
export function bindService<S extends DescService>(service: S, handlers: Handlers<S>): ServiceBinding {
  return { service, handlers: handlers as Readonly<Record<string, unknown>> };
}

/** The caller of a method that is not PUBLIC; the chain has made sure that there is one. */
export function callerOf(call: Call): Principal {
  if (call.principal === undefined) throw new TypeError("the method's policy lets in callers without a principal");
  return call.principal;
}
