// TokenService.IssueToken: access tokens for machines, which have no session. Recorded durably before it leaves; nothing is stored but
// the record, so there is nothing that would have to commit with it.
import { create } from "@bufbuild/protobuf";
import { IssueTokenResponseSchema, type TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { oneFactor } from "../../kernel/assurance.ts";
import { audienceWithin, scopesWithin } from "../../kernel/client-bounds.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import type { AccessTokens } from "../access-tokens.ts";
import { narrowScopes } from "../domain/scopes.ts";
import { issuedToken, wantedLifetime, wantedMayAct } from "../issued-token.ts";
import type { MachineCredentials, ProvenMachine } from "../machine-credentials.ts";
import type { Proofs } from "../proofs.ts";
import type { TokenSettings } from "../settings.ts";

export interface IssueTokenDeps {
  readonly machines: MachineCredentials;
  /** By what the machine proved itself with. */
  readonly accessTokens: Readonly<Record<ProvenMachine["method"], AccessTokens>>;
  readonly proofs: Proofs;
  readonly settings: Pick<TokenSettings, "ownAudience">;
}

/** From here on the record speaks of the account, also when something else is wrong. */
function describe({ audit }: Call, { standing, clientId, credentialId, method }: ProvenMachine): void {
  audit.actor = { id: standing.principalId, kind: "service_account", sessionId: undefined, clientId };
  audit.subjectId = standing.principalId;
  audit.details.credential = method;
  if (credentialId !== undefined) audit.details.credential_id = credentialId;
}

export function createIssueToken(deps: IssueTokenDeps): UnaryHandler<typeof TokenService.method.issueToken> {
  const { machines, accessTokens, proofs, settings } = deps;

  /** A credential of an account speaks to Gatehouse alone, whose own access tokens a client's audience exchanges. */
  function boundsOf({ client, scopes }: ProvenMachine, wanted: { audience: string; scopes: readonly string[] }) {
    if (client === undefined)
      return { audience: wanted.audience || settings.ownAudience, scopes: narrowScopes(scopes, wanted.scopes) };
    return {
      audience: audienceWithin(client, wanted.audience),
      scopes: narrowScopes(client.scopes, scopesWithin(client, wanted.scopes)),
    };
  }

  return async (request, call) => {
    const lifetimeMs = wantedLifetime(request.lifetime);
    const mayAct = wantedMayAct(request.mayAct);
    const machine = await machines.prove(request.credential, call);
    describe(call, machine);
    const { standing, clientId, client, credentialId, endsBy, method } = machine;
    const bounds = boundsOf(machine, request);
    const confirmation = await proofs.confirm(client, call);
    const token = await accessTokens[method].issue({
      ...bounds,
      ...{ standing, clientId, client, credentialId, endsBy, lifetimeMs, mayAct, confirmation },
      authenticationMethods: [method],
      authenticationContext: oneFactor,
      authenticatedAt: call.now,
      now: call.now,
    });
    call.audit.resources.push({ type: "token", uid: token.tokenId });
    call.audit.details.audience = bounds.audience;
    call.audit.details.scopes = bounds.scopes;
    return create(IssueTokenResponseSchema, { issued: issuedToken(token, bounds, confirmation) });
  };
}
