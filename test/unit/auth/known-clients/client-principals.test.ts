// Who calls when a client shows its secret.
import { describe, expect, it } from "vitest";
import { createClientPrincipals } from "../../../../src/auth/known-clients/client-principals.ts";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import type { Client } from "../../../../src/kernel/ports.ts";
import type { Standing } from "../../../../src/kernel/principal.ts";

const now = new Date("2026-11-21T12:00:00.000Z");
const account: Standing = {
  principalId: "018f0000-0000-7000-8000-000000000001",
  kind: "service_account",
  active: true,
  generation: 3,
  roles: ["viewer"],
  grants: [],
};

function principals(client: Partial<Client>, standing: Standing | undefined) {
  const shown: string[] = [];
  const known = { id: "till", scopes: ["token.introspect"], principalId: account.principalId, ...client } as Client;
  const { authenticate } = createClientPrincipals({
    clients: {
      find: () => known,
      authenticate: async (clientId, secret) => {
        shown.push(clientId);
        if (clientId !== "till" || secret !== "right") throw new GatehouseError("CLIENT_INVALID");
        return known;
      },
    },
    standings: { peek: () => undefined, of: async () => standing },
  });
  return { shown, authenticate };
}

const reason = (thrown: unknown) => (thrown as GatehouseError).reason;

describe("a client that shows its secret", () => {
  it("is its service account, within the client's own scopes", async () => {
    const { authenticate } = principals({}, account);
    expect(await authenticate("till", "right", now)).toMatchObject({
      id: account.principalId,
      client: "till",
      clientId: "till",
      standing: account,
      scopes: new Set(["token.introspect"]),
      sessionId: undefined,
    });
  });

  it("is nobody who holds anything where it has no service account", async () => {
    const { authenticate } = principals({ principalId: undefined, scopes: ["*"] }, undefined);
    const principal = await authenticate("till", "right", now);
    expect(principal).toMatchObject({ id: "", client: "till" });
    expect(principal.standing.grants).toEqual([]);
  });

  it("is refused with a wrong secret, and with an account that is gone or disabled", async () => {
    expect(await principals({}, account).authenticate("till", "wrong", now).catch(reason)).toBe("CLIENT_INVALID");
    for (const standing of [undefined, { ...account, active: false }])
      expect(await principals({}, standing).authenticate("till", "right", now).catch(reason)).toBe("CLIENT_INVALID");
  });

  it("is the built-in one by its name alone, which never comes with a secret", async () => {
    const { authenticate, shown } = principals({}, account);
    expect(await authenticate("gatehouse", "", now)).toMatchObject({ id: "", client: "gatehouse", scopes: new Set() });
    expect(shown).toEqual([]);
    expect(await authenticate("gatehouse", "x", now).catch(reason)).toBe("CLIENT_INVALID");
  });
});
