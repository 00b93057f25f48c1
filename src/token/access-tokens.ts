// Makes access tokens. Signing may wait for a remote key home, so it never happens inside a transaction.
import { GatehouseError } from "../kernel/errors.ts";
import { uuidv7 } from "../kernel/ids.ts";
import type { Client, DisplayNames } from "../kernel/ports.ts";
import type { Confirmation, Standing } from "../kernel/principal.ts";
import type { TokenSigner, VerificationKey } from "../kernel/sealing.ts";
import { type AccessTokenClaims, writeClaims } from "./domain/claims.ts";
import { writeHeader, writeSigningInput } from "./domain/compact-token.ts";
import type { Actor, Hand, Origin } from "./domain/delegation.ts";
import { encryptToken } from "./domain/encryption.ts";
import { audiencesOf, type TokenSettings } from "./settings.ts";
import { hmacKeyId, hmacSignature } from "./verification-keys.ts";

export interface AccessTokenOrder {
  readonly standing: Standing;
  /** Undefined = it has none, and lives by itself. */
  readonly sessionId?: string | undefined;
  readonly clientId: string;
  /** Undefined = the built-in client, or none at all. */
  readonly client?: Client | undefined;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly authenticationMethods: readonly string[];
  readonly authenticationContext: string;
  readonly authenticatedAt: Date;
  readonly now: Date;
  /** The token dies with whatever it rests on at the latest. */
  readonly endsBy?: Date | undefined;
  /** Wanted; never more than client and installation allow. */
  readonly lifetimeMs?: number | undefined;
  /** What its bearer has shown, and will have to show each time. */
  readonly confirmation?: Confirmation | undefined;
  readonly credentialId?: string | undefined;
  readonly actors?: readonly Actor[] | undefined;
  readonly mayAct?: string | undefined;
  readonly origins?: readonly Origin[] | undefined;
  readonly hands?: readonly Hand[] | undefined;
  readonly since?: number | undefined;
}

export interface AccessToken {
  readonly text: string;
  readonly tokenId: string;
  readonly expiresAt: Date;
}

export interface AccessTokens {
  /** Errors: KEYS_UNAVAILABLE, AUDIENCE_UNKNOWN, PROOF_REQUIRED. */
  issue(order: AccessTokenOrder): Promise<AccessToken>;
}

function seconds(instant: Date): number {
  return Math.floor(instant.getTime() / 1000);
}

function expiryOf({ client, lifetimeMs, endsBy, now }: AccessTokenOrder, settings: TokenSettings): number {
  const never = Number.POSITIVE_INFINITY;
  const longestMs = Math.min(
    settings.accessTokenLifetimeMs,
    client?.accessTokenLifetimeMs ?? never,
    lifetimeMs ?? never,
  );
  const issuedAt = seconds(now);
  const last = endsBy === undefined ? never : seconds(endsBy);
  return Math.max(issuedAt, Math.min(issuedAt + Math.floor(longestMs / 1000), last));
}

function claimsOf(order: AccessTokenOrder, settings: TokenSettings): AccessTokenClaims {
  const { standing, client, now, sessionId, audience, clientId, scopes } = order;
  const { authenticationMethods, authenticationContext, authenticatedAt } = order;
  const { credentialId, confirmation, actors, mayAct, origins, hands, since } = order;
  const issuedAt = seconds(now);
  return {
    issuer: settings.issuer,
    subject: standing.principalId,
    audience,
    expiresAt: expiryOf(order, settings),
    issuedAt,
    notBefore: issuedAt,
    tokenId: uuidv7(now),
    sessionId,
    clientId,
    clientGeneration: client?.generation,
    scopes,
    roles: standing.roles,
    authenticationMethods,
    authenticationContext,
    authenticatedAt: seconds(authenticatedAt),
    generation: standing.generation,
    credentialId,
    confirmation,
    actors,
    mayAct,
    origins,
    hands,
    since,
  };
}

const constraints = { dpop: "key", mtls: "certificate" } as const;

/** A client whose tokens must be bound gets none that are not. */
function requireBound({ client, confirmation }: AccessTokenOrder): void {
  if (client === undefined || client.senderConstraint === "none") return;
  if (confirmation?.kind !== constraints[client.senderConstraint]) throw new GatehouseError("PROOF_REQUIRED");
}

export function createAccessTokens(
  signer: TokenSigner,
  settings: TokenSettings,
  displayNames: DisplayNames,
): AccessTokens {
  const audiences = audiencesOf(settings);
  const headers = new WeakMap<VerificationKey, string>();

  /** A client has audiences of its own, and no other. */
  function requireAudience({ audience, client }: AccessTokenOrder): void {
    const known = client === undefined ? audiences.has(audience) : client.audiences.includes(audience);
    if (!known) throw new GatehouseError("AUDIENCE_UNKNOWN");
  }

  /** J-02: personal data, so only where the client's settings ask for it, and only of people. */
  function wantsName({ client, standing }: AccessTokenOrder): boolean {
    return client?.displayNameClaim === true && standing.kind === "person";
  }

  function headerOf(key: VerificationKey): string {
    const known = headers.get(key);
    if (known !== undefined) return known;
    const header = writeHeader(key.algorithm, key.kid);
    headers.set(key, header);
    return header;
  }

  async function sign({ audience, client }: AccessTokenOrder, payload: string): Promise<string> {
    const foreign = settings.foreignHmacKey;
    if (foreign?.audience === audience) {
      const input = writeSigningInput(writeHeader("HS256", hmacKeyId(audience)), payload);
      return `${input}.${hmacSignature(foreign, input).toString("base64url")}`;
    }
    await signer.ready(client?.algorithm);
    const key = signer.current(client?.algorithm);
    const input = writeSigningInput(headerOf(key), payload);
    const signature = await signer.sign(key.kid, Buffer.from(input, "latin1"));
    return `${input}.${signature.toString("base64url")}`;
  }

  return {
    async issue(order) {
      requireAudience(order);
      requireBound(order);
      const claims = claimsOf(order, settings);
      const displayName = wantsName(order) ? await displayNames.of(order.standing.principalId) : undefined;
      const signed = await sign(order, writeClaims(claims, displayName));
      const key = order.client?.encryptionKey;
      const text = key === undefined ? signed : encryptToken(signed, key);
      return { text, tokenId: claims.tokenId, expiresAt: new Date(claims.expiresAt * 1000) };
    },
  };
}
