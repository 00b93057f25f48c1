// Who a bearer token speaks for, for the chain: tokens for Gatehouse's own audience, and no others.
import { GatehouseError } from "../kernel/errors.ts";
import type { Authenticator } from "../kernel/ports.ts";
import type { Principal, Standing } from "../kernel/principal.ts";
import { refreshTokenPrefix } from "./domain/refresh-token.ts";
import type { Liveness, Verdict } from "./liveness.ts";
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
    authenticatedAt: new Date(claims.authenticatedAt * 1000),
    tokenExpiresAt: new Date(claims.expiresAt * 1000),
    standing,
  };
}

/** A standing is replaced as a whole when it changes, so the principal made of it holds until then. */
function admit(token: VerifiedToken, verdict: Verdict): Principal {
  if (typeof verdict === "string") throw new GatehouseError(verdict);
  if (token.principal?.standing !== verdict) token.principal = principalOf(token, verdict);
  return token.principal;
}

export function createAuthenticator({ verifier, liveness, ownAudience }: AuthenticatorDeps): Authenticator {
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
