// Who a bearer token speaks for, for the chain: tokens for Gatehouse's own audience, and no others.
import { GatehouseError } from "../kernel/errors.ts";
import type { Authenticator, PossessionGuard, ShownToken } from "../kernel/ports.ts";
import type { Confirmation, Principal, Standing } from "../kernel/principal.ts";
import { refreshTokenPrefix } from "./domain/refresh-token.ts";
import type { Liveness, Verdict } from "./liveness.ts";
import type { Proofs } from "./proofs.ts";
import type { VerifiedToken, Verifier } from "./verifier.ts";

export interface AuthenticatorDeps {
  readonly verifier: Verifier;
  readonly liveness: Liveness;
  readonly ownAudience: string;
}

function principalOf({ claims }: VerifiedToken, standing: Standing): Principal {
  return {
    id: claims.subject,
    kind: standing.kind,
    sessionId: claims.sessionId,
    clientId: claims.clientId,
    tokenId: claims.tokenId,
    scopes: new Set(claims.scopes),
    authenticationMethods: claims.authenticationMethods,
    authenticationContext: claims.authenticationContext,
    authenticatedAt: new Date(claims.authenticatedAt * 1000),
    tokenExpiresAt: new Date(claims.expiresAt * 1000),
    standing,
    confirmation: claims.confirmation,
    delegated: claims.actors === undefined ? undefined : true,
  };
}

/** A standing is replaced as a whole when it changes, so the principal made of it holds until then. */
function admit(token: VerifiedToken, verdict: Verdict): Principal {
  if (typeof verdict === "string") throw new GatehouseError(verdict);
  if (token.principal?.standing !== verdict) token.principal = principalOf(token, verdict);
  return token.principal;
}

/** Bare outside: whoever stole the token need not learn what it lacks. */
function refused(auditReason: string): GatehouseError {
  return new GatehouseError("CREDENTIAL_INVALID", { auditReason });
}

export function createPossessionGuard(proofs: Pick<Proofs, "check">): PossessionGuard {
  async function requireKey(thumbprint: string, { token, possession }: ShownToken, now: Date): Promise<void> {
    if ((await proofs.check({ possession, now }, token)) !== thumbprint) throw refused("TOKEN_OF_ANOTHER_KEY");
  }

  function requireOther(confirmation: Confirmation | undefined, { scheme, possession }: ShownToken): void {
    if (scheme === "dpop") throw refused("TOKEN_NOT_BOUND");
    if (confirmation !== undefined && possession.certificate?.thumbprint !== confirmation.thumbprint)
      throw refused("TOKEN_OF_ANOTHER_CERTIFICATE");
  }

  return {
    requirePossession({ confirmation }, shown, now) {
      if (confirmation?.kind !== "key") return requireOther(confirmation, shown);
      // RFC 9449 section 7.1: never as if it were not bound.
      if (shown.scheme !== "dpop") throw refused("TOKEN_BOUND");
      return requireKey(confirmation.thumbprint, shown, now);
    },
  };
}

export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { verifier, liveness, ownAudience } = deps;

  function checkKnown(token: VerifiedToken, now: Date): Principal | Promise<Principal> {
    // A service that is handed a caller's token for itself cannot replay it here.
    if (token.claims.audience !== ownAudience) throw new GatehouseError("TOKEN_WRONG_AUDIENCE");
    const verdict = liveness.check(token, now);
    return verdict instanceof Promise ? verdict.then((late) => admit(token, late)) : admit(token, verdict);
  }

  return {
    authenticate(token, now) {
      const known = verifier.known(token);
      if (known !== undefined) return checkKnown(known, now);
      if (token.startsWith(refreshTokenPrefix)) throw new GatehouseError("TOKEN_WRONG_KIND");
      return verifier.verify(token, now).then((verified) => checkKnown(verified, now));
    },
  };
}
