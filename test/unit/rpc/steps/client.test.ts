// Callers that show the secret of a client, at the OAuth endpoints: who they are, what counts them, and how they are recorded.
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import type { Call, PeerCertificate } from "../../../../src/kernel/handler.ts";
import type { ClientPrincipals } from "../../../../src/kernel/ports.ts";
import { callThrough, createFakeChain, type FakeChainOptions, incomingOf, noon } from "../../../fakes/chain.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";
import { readStatus } from "../../../fakes/status.ts";

const { introspect } = TokenService.method;
const certificate: PeerCertificate = {
  spiffeId: undefined,
  dnsNames: ["cart.example"],
  thumbprint: "print",
  expiresAt: new Date(noon.getTime() + 60_000),
};
const off = "off" as const;

/** `nobody` acts as no service account. */
const clients: ClientPrincipals = {
  async authenticate(clientId, secret) {
    if (secret !== "right") throw new GatehouseError("CLIENT_INVALID", { auditReason: "CLIENT_SECRET_WRONG" });
    return {
      ...principalOf({ id: clientId === "nobody" ? "" : alice, kind: "service_account" }),
      clientId,
      client: clientId,
    };
  },
};

function open(options: FakeChainOptions = {}) {
  const seen: (Call["principal"] | undefined)[] = [];
  const chain = createFakeChain({
    clients,
    workloads: { requireLive: () => {}, principalOf: () => principalOf() },
    script: {
      "TokenService/Introspect": (_request: never, call: Call) => {
        seen.push(call.principal);
        // Puts the record together, as a handler that writes would.
        expect(call.audit.event).toBe("token.introspect");
        return {};
      },
    },
    ...options,
  });
  const call = async (clientSecret: string, more: { address?: string; shown?: boolean; clientId?: string } = {}) => {
    const { address = "192.0.2.1", shown = false, clientId = "till" } = more;
    const client = { clientId, clientSecret };
    const incoming = incomingOf({ address, client, ...(shown ? { certificate } : {}) });
    const reply = await callThrough(chain, introspect, { token: "x" }, incoming);
    return "failure" in reply ? readStatus(reply.failure.status).info?.reason : "answered";
  };
  return { seen, call, drafts: chain.recorder.drafts };
}

describe("a client that shows its secret", () => {
  it("is who it acts as, also on a connection with a certificate of somebody else", async () => {
    const { seen, call } = open();
    for (const shown of [false, true]) expect(await call("right", { shown })).toBe("answered");
    expect(seen).toMatchObject([{ client: "till" }, { client: "till" }]);
  });

  it("is refused with a wrong one, and where no chain knows of clients", async () => {
    const { call, drafts } = open();
    expect(await call("wrong", { shown: true })).toBe("CLIENT_INVALID");
    expect(drafts).toMatchObject([{ outcome: "FAILURE", reason: "CLIENT_SECRET_WRONG", actor: { kind: "anonymous" } }]);
    expect(await open({ clients: undefined }).call("right")).toBe("CREDENTIAL_MISSING");
  });

  it("PWD-12 counts by address before its secret is looked at, with a certificate too", async () => {
    const rates = { login: off, tokenCheck: { count: 1, perMs: 3_600_000 }, read: off, write: off };
    for (const shown of [false, true]) {
      const { call } = open({ rates });
      const answers = new Set<unknown>();
      for (let i = 0; i < 50; i += 1) answers.add(await call("wrong", { shown, clientId: `client-${i}` }));
      expect([...answers]).toEqual(["CLIENT_INVALID", "RATE_LIMITED"]);
      expect(await call("wrong", { shown, address: "198.51.100.1" })).toBe("CLIENT_INVALID");
    }
  });

  it("counts for nobody else where it acts as nobody: one that many share starves no other address", async () => {
    const rates = { login: off, tokenCheck: { count: 1, perMs: 3_600_000 }, read: off, write: off };
    const { call } = open({ rates });
    expect(await call("right", { clientId: "nobody" })).toBe("answered");
    expect(await call("right", { clientId: "nobody", address: "198.51.100.1" })).toBe("answered");
    // The account is one caller, wherever it calls from.
    expect(await call("right", { address: "203.0.113.1" })).toBe("answered");
    expect(await call("right", { address: "203.0.113.2" })).toBe("RATE_LIMITED");
  });

  it("AUD-08 is on record as the account, or as nobody through the client", async () => {
    const { call, drafts } = open({
      script: {
        "TokenService/Introspect": () => {
          throw new GatehouseError("DEADLINE_EXCEEDED");
        },
      },
    });
    await call("right");
    await call("right", { clientId: "nobody" });
    expect(drafts).toMatchObject([
      {
        actor: { id: alice, kind: "service_account", clientId: "till" },
        subjectId: alice,
        details: { client: "till" },
      },
      {
        actor: { id: "", kind: "anonymous", clientId: "nobody" },
        subjectId: undefined,
        details: { client: "nobody" },
      },
    ]);
  });
});
