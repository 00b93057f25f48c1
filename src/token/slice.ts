// The Token slice: what a caller carries. It checks, renews and ends tokens, and owns sessions.
import { SigningKeyService } from "@gatehouse/proto/gatehouse/token/v1/signing_key_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { FeedEvent, LoneWriter, Reader } from "../kernel/database.ts";
import { bindService, type ServiceBinding } from "../kernel/handler.ts";
import type { Observer } from "../kernel/observer.ts";
import type {
  ApiKeys,
  Authenticator,
  Clients,
  DisplayNames,
  FeedReplay,
  Freshness,
  Generations,
  PossessionGuard,
  Standings,
  WorkloadBindings,
} from "../kernel/ports.ts";
import type { Macs, PageTokens, SubjectKeys } from "../kernel/sealing.ts";
import type { Sessions } from "../kernel/sessions.ts";
import type { Sweep } from "../kernel/sweep.ts";
import type { SigningKeys } from "../keys/ports.ts";
import { createAccessTokens } from "./access-tokens.ts";
import { createAuthenticator, createPossessionGuard } from "./authenticator.ts";
import { createHandedTokens } from "./handed-tokens.ts";
import { createGrantMeter, grantAskedFor, meterAccessTokens } from "./issue-meters.ts";
import { createLiveness } from "./liveness.ts";
import { createMachineCredentials } from "./machine-credentials.ts";
import { createValidations, meterAuthenticator, meterRefresh, meterVerifier } from "./meters.ts";
import { createProofs } from "./proofs.ts";
import { createRefreshTokens } from "./refresh-tokens.ts";
import { createRevocations } from "./revocations.ts";
import { createSessionFacts } from "./session-facts.ts";
import { createSessions } from "./sessions.ts";
import type { TokenSettings } from "./settings.ts";
import { createCompromiseSigningKey } from "./signing-key/compromise-signing-key.ts";
import { createListSigningKeys } from "./signing-key/list-signing-keys.ts";
import { createRotateSigningKey } from "./signing-key/rotate-signing-key.ts";
import { issueSince } from "./since.ts";
import { createBatchIntrospect } from "./token/batch-introspect.ts";
import { createExchangeToken } from "./token/exchange-token.ts";
import { createGetJwks } from "./token/get-jwks.ts";
import { createIntrospect } from "./token/introspect.ts";
import { createRefreshIntrospection } from "./token/introspect-refresh.ts";
import { createIssueToken } from "./token/issue-token.ts";
import type { KnownBatch } from "./token/known-batch.ts";
import { createRefresh } from "./token/refresh.ts";
import { createRevoke } from "./token/revoke.ts";
import { createRevokeSubject } from "./token/revoke-subject.ts";
import { createWatchRevocations } from "./token/watch-revocations.ts";
import { createVerificationKeys } from "./verification-keys.ts";
import { createVerifier } from "./verifier.ts";

export interface TokenSliceDeps extends Observer {
  readonly reader: Reader;
  readonly writer: LoneWriter;
  readonly signingKeys: SigningKeys;
  readonly macs: Macs;
  readonly subjectKeys: SubjectKeys;
  readonly pageTokens: PageTokens;
  readonly clients: Clients;
  readonly machines: { readonly apiKeys: ApiKeys; readonly workloads: WorkloadBindings };
  readonly standings: Standings;
  readonly displayNames: DisplayNames;
  readonly freshness: Freshness;
  readonly feed: FeedReplay;
  readonly generations: Generations;
  readonly settings: TokenSettings;
}

export interface TokenSlice {
  readonly bindings: readonly ServiceBinding[];
  readonly authenticator: Authenticator;
  readonly possession: PossessionGuard;
  readonly sessions: Sessions;
  /** The feed from its beginning, then what is new; before the first call is served, and right after each own commit. */
  onFeed(events: readonly FeedEvent[]): void;
  readonly sweeps: readonly Sweep[];
  /** Ends the streams, whose callers go on at another replica. */
  drain(): void;
}

const sweepEveryMs = 60_000;

function signingKeyService(deps: TokenSliceDeps): ServiceBinding {
  return bindService(SigningKeyService, {
    listSigningKeys: createListSigningKeys(deps),
    rotateSigningKey: createRotateSigningKey(deps),
    compromiseSigningKey: createCompromiseSigningKey(deps),
  });
}

export function createTokenSlice(deps: TokenSliceDeps): TokenSlice {
  const { reader, signingKeys, settings, metrics } = deps;
  const revocations = createRevocations();
  const validations = createValidations(metrics);
  const verifier = meterVerifier(createVerifier(createVerificationKeys(signingKeys, settings), settings), metrics);
  const liveness = createLiveness({ ...deps, revocations });
  const signed = createAccessTokens(signingKeys, settings, deps.displayNames);
  const accessTokensFor = meterAccessTokens(issueSince(signed, revocations), deps);
  const machineTokens = {
    client_secret: accessTokensFor("client_credentials"),
    api_key: accessTokensFor("api_key"),
    mtls: accessTokensFor("certificate"),
    kubernetes: accessTokensFor("kubernetes_token"),
  };
  const refreshTokens = createRefreshTokens(deps.macs);
  const sessionFacts = createSessionFacts(reader);
  const proofs = createProofs({ ...deps, settings: settings.dpop });
  const shared = { ...deps, verifier, liveness, refreshTokens, sessionFacts, proofs };
  const machines = createMachineCredentials({ ...deps, ...deps.machines });
  const handedTokens = createHandedTokens(shared);
  const meterGrant = createGrantMeter(metrics);
  const refreshIntrospection = createRefreshIntrospection({ refreshTokens, reader, issuer: settings.issuer });
  const introspections = validations("introspect");
  const introspectBy = (known: KnownBatch) => createIntrospect({ ...known, validations: introspections });
  const ofIntrospect = { verifier, liveness, refreshIntrospection };
  const introspect = introspectBy(ofIntrospect);
  const draining = new AbortController();

  return {
    bindings: [
      bindService(TokenService, {
        introspect,
        batchIntrospect: createBatchIntrospect({ ...ofIntrospect, introspect, introspectBy }),
        issueToken: meterGrant(createIssueToken({ ...shared, machines, accessTokens: machineTokens }), grantAskedFor),
        exchangeToken: meterGrant(
          createExchangeToken({ ...shared, handedTokens, accessTokens: accessTokensFor("exchange") }),
          () => "exchange",
        ),
        refresh: meterRefresh(createRefresh({ ...shared, accessTokens: accessTokensFor("refresh") }), metrics),
        revoke: createRevoke(shared),
        revokeSubject: createRevokeSubject(deps),
        watchRevocations: createWatchRevocations({ ...deps, draining: draining.signal }),
        getJwks: createGetJwks({ signer: signingKeys }),
      }),
      signingKeyService(deps),
    ],
    authenticator: meterAuthenticator(
      createAuthenticator({ verifier, liveness, ownAudience: settings.ownAudience }),
      validations("gate"),
    ),
    possession: createPossessionGuard(proofs),
    sessions: createSessions({ ...shared, accessTokens: accessTokensFor("login") }),
    onFeed(events) {
      revocations.learn(events);
      for (const { kind, key } of events) if (kind === "compromised_key") verifier.forgetKey(key);
    },
    drain: () => draining.abort(),
    sweeps: [
      {
        name: "token.forget_expired",
        everyMs: sweepEveryMs,
        run: async (now) => {
          revocations.sweep(now);
          verifier.sweep(now);
        },
      },
      proofs.sweep,
    ],
  };
}
