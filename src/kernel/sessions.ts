// Sessions and their tokens, as Token offers them and Auth asks for them.
import type { Transaction } from "./database.ts";
import type { Peer, Possession } from "./handler.ts";
import type { Client } from "./ports.ts";
import type { Principal, Standing } from "./principal.ts";

export interface NewSession {
  readonly standing: Standing;
  readonly clientId: string;
  /** What stands about the client; undefined = it is the built-in one. Audience and scopes were checked against it. */
  readonly client?: Client | undefined;
  /** Undefined = the installation's default audience. */
  readonly audience: string | undefined;
  /** Empty = no narrowing. */
  readonly scopes: readonly string[];
  readonly authenticationMethods: readonly string[];
  readonly authenticationContext: string;
  readonly deviceName: string;
  readonly peer: Peer;
  /** What the caller can show; its tokens are bound to that where the client's settings say so, or where it shows a proof. */
  readonly possession: Possession;
  readonly now: Date;
}

type Authenticated = "standing" | "authenticationMethods" | "authenticationContext" | "peer" | "now";

/** `former` calls, with a token of the session that is to be succeeded; `standing` is that of the time to come. */
export interface SuccessorSession extends Pick<NewSession, Authenticated> {
  readonly former: Pick<Principal, "id" | "confirmation"> & { readonly sessionId: string };
}

export interface IssuedTokens {
  readonly accessToken: string;
  readonly accessTokenExpiresAt: Date;
  readonly refreshToken: string;
  readonly refreshTokenExpiresAt: Date;
  readonly sessionId: string;
  readonly scopes: readonly string[];
  readonly audience: string;
  /** `dpop` = the access token works only with a proof. */
  readonly scheme: "bearer" | "dpop";
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
   * subject's key. Errors: KEYS_UNAVAILABLE, AUDIENCE_UNKNOWN, PROOF_REQUIRED, PROOF_INVALID, PROOF_NONCE_REQUIRED.
   */
  prepare(
    session: NewSession,
    sealDevice: (sessionId: string, device: Uint8Array) => Buffer | Promise<Buffer>,
  ): Promise<PreparedSession>;
  /** As `prepare`, with all that the former one has but its tokens; it ends nothing. Undefined = the former is over. */
  prepareSuccessor(session: SuccessorSession): Promise<PreparedSession | undefined>;
  /** Live sessions of a person after `after` (a session id), newest first. */
  list(principalId: string, after: string | undefined, limit: number, now: Date): Promise<readonly LiveSession[]>;
  /** Ends the session and announces it; false when the principal has no such live session. */
  end(tx: Transaction, principalId: string, sessionId: string, reason: string, now: Date): Promise<boolean>;
  /** Ends all live sessions; their ids. Announces nothing: it goes with a raised generation. */
  endAll(tx: Transaction, principalId: string, reason: string, now: Date): Promise<readonly string[]>;
}
