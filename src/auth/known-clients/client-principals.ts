// Who calls when a client shows its secret and not a token: introspection and revocation, as OAuth has them.
import { builtInClient } from "../../kernel/client-bounds.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { ClientPrincipals, Clients, Standings } from "../../kernel/ports.ts";
import type { Principal, Standing } from "../../kernel/principal.ts";

const nobody: Standing = {
  principalId: "",
  kind: "service_account",
  active: true,
  generation: 0,
  roles: [],
  grants: [],
};

interface Calling {
  readonly id: string;
  readonly scopes: readonly string[];
}

function principalOf({ id, scopes }: Calling, standing: Standing, now: Date): Principal {
  return {
    id: standing.principalId,
    kind: standing.kind,
    sessionId: undefined,
    clientId: id,
    client: id,
    tokenId: "",
    scopes: new Set(scopes),
    authenticationMethods: [],
    authenticatedAt: now,
    tokenExpiresAt: now,
    standing,
  };
}

export function createClientPrincipals(deps: {
  readonly clients: Clients;
  readonly standings: Pick<Standings, "peek" | "of">;
}): ClientPrincipals {
  const { clients, standings } = deps;
  return {
    async authenticate(clientId, secret, now) {
      // It is known by its name alone, and speaks for whoever brings it a token of its own.
      if (clientId === builtInClient && secret === "") return principalOf({ id: clientId, scopes: [] }, nobody, now);
      const client = await clients.authenticate(clientId, secret, now);
      const { principalId } = client;
      if (principalId === undefined) return principalOf(client, nobody, now);
      const standing = standings.peek(principalId) ?? (await standings.of(principalId));
      if (standing === undefined || !standing.active)
        throw new GatehouseError("CLIENT_INVALID", { auditReason: "SERVICE_ACCOUNT_DISABLED" });
      return principalOf(client, standing, now);
    },
  };
}
