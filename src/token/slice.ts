// The Token slice: what a caller carries. It checks, renews and ends tokens, and owns sessions.
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { FeedEvent, Reader } from "../kernel/database.ts";
import { bindService, type ServiceBinding } from "../kernel/handler.ts";
import type { Observer } from "../kernel/observer.ts";
import type { Authenticator, Freshness, Sessions, Standings } from "../kernel/ports.ts";
import type { Macs, SubjectKeys, TokenSigner } from "../kernel/sealing.ts";
import type { Sweep } from "../kernel/sweep.ts";
import { createAccessTokens } from "./access-tokens.ts";
import { createAuthenticator } from "./authenticator.ts";
import { createLiveness } from "./liveness.ts";
import { createValidations, meterAccessTokens, meterAuthenticator, meterRefresh, meterVerifier } from "./meters.ts";
import { createRefreshTokens } from "./refresh-tokens.ts";
import { createRevocations } from "./revocations.ts";
import { createSessionFacts } from "./session-facts.ts";
import { createSessions } from "./sessions.ts";
import type { TokenSettings } from "./settings.ts";
import { createGetJwks } from "./token/get-jwks.ts";
import { createIntrospect } from "./token/introspect.ts";
import { createRefreshIntrospection } from "./token/introspect-refresh.ts";
import { createRefresh } from "./token/refresh.ts";
import { createRevoke } from "./token/revoke.ts";
import { createVerificationKeys } from "./verification-keys.ts";
import { createVerifier } from "./verifier.ts";

export interface TokenSliceDeps extends Observer {
  readonly reader: Reader;
  readonly signer: TokenSigner;
  readonly macs: Macs;
  readonly subjectKeys: SubjectKeys;
  readonly standings: Standings;
  readonly freshness: Freshness;
  readonly settings: TokenSettings;
}

export interface TokenSlice {
  readonly bindings: readonly ServiceBinding[];
  readonly authenticator: Authenticator;
  readonly sessions: Sessions;
  /** The feed from its beginning, then what is new; before the first call is served, and right after each own commit. */
  onFeed(events: readonly FeedEvent[]): void;
  readonly sweeps: readonly Sweep[];
}

const sweepEveryMs = 60_000;

export function createTokenSlice(deps: TokenSliceDeps): TokenSlice {
  const { reader, signer, settings, metrics } = deps;
  const revocations = createRevocations();
  const validations = createValidations(metrics);
  const verifier = meterVerifier(createVerifier(createVerificationKeys(signer, settings), settings), metrics);
  const liveness = createLiveness({ ...deps, revocations });
  const accessTokens = meterAccessTokens(createAccessTokens(signer, settings), deps);
  const refreshTokens = createRefreshTokens(deps.macs);
  const sessionFacts = createSessionFacts(reader);
  const shared = { ...deps, verifier, liveness, accessTokens, refreshTokens, sessionFacts };
  const refreshIntrospection = createRefreshIntrospection({ refreshTokens, reader, issuer: settings.issuer });

  return {
    bindings: [
      bindService(TokenService, {
        introspect: createIntrospect({
          verifier,
          liveness,
          refreshIntrospection,
          validations: validations("introspect"),
        }),
        refresh: meterRefresh(createRefresh(shared), metrics),
        revoke: createRevoke(shared),
        getJwks: createGetJwks({ signer }),
      }),
    ],
    authenticator: meterAuthenticator(
      createAuthenticator({ verifier, liveness, ownAudience: settings.ownAudience }),
      validations("gate"),
    ),
    sessions: createSessions(shared),
    onFeed: (events) => revocations.learn(events),
    sweeps: [
      {
        name: "token.forget_expired",
        everyMs: sweepEveryMs,
        run: async (now) => {
          revocations.sweep(now);
          verifier.sweep(now);
        },
      },
    ],
  };
}
