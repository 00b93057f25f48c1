// Callers with a client certificate: it speaks for them only where there is no token, and never once it has died.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import type { PeerCertificate } from "../../../../src/kernel/handler.ts";
import type { WorkloadIdentities } from "../../../../src/kernel/ports.ts";
import type { Principal } from "../../../../src/kernel/principal.ts";
import { callThrough, createFakeChain, incomingOf, noon } from "../../../fakes/chain.ts";
import { principalOf } from "../../../fakes/principal.ts";
import { readStatus } from "../../../fakes/status.ts";

const { whoAmI, login } = AuthService.method;
const certificate: PeerCertificate = {
  spiffeId: "spiffe://prod/cart",
  dnsNames: [],
  thumbprint: "print",
  expiresAt: new Date(noon.getTime() + 60_000),
};
const workload: Principal = { ...principalOf(), clientId: "spiffe://prod/cart", authenticationMethods: ["mtls"] };
const dead = () => {
  throw new GatehouseError("CREDENTIAL_INVALID", { auditReason: "CERTIFICATE_REVOKED" });
};

const bound: WorkloadIdentities = { requireLive: () => {}, principalOf: () => workload };

interface Caller {
  readonly authorization?: readonly string[];
  readonly certificate?: PeerCertificate;
  readonly method?: typeof whoAmI | typeof login;
}

async function callAs(workloads: WorkloadIdentities | undefined, caller: Caller) {
  const seen: (Principal | undefined)[] = [];
  const see = async (_request: unknown, call: { readonly principal: Principal | undefined }) => {
    seen.push(call.principal);
    return {};
  };
  const chain = createFakeChain({
    tokens: { good: principalOf() },
    workloads,
    script: { "AuthService/WhoAmI": see, "AuthService/Login": see },
  });
  const { authorization, certificate: shown, method = whoAmI } = caller;
  const incoming = incomingOf({
    ...(authorization === undefined ? {} : { metadata: { authorization } }),
    ...(shown === undefined ? {} : { certificate: shown }),
  });
  const reply =
    method === login
      ? await callThrough(chain, login, { loginName: "ada", password: "correct horse battery staple" }, incoming)
      : await callThrough(chain, whoAmI, {}, incoming);
  const reason = "failure" in reply ? readStatus(reply.failure.status).info?.reason : undefined;
  return { seen, reason, drafts: chain.recorder.drafts };
}

describe("a caller with a certificate", () => {
  it("NET-03 is the workload that it is bound to, whether that is known at once or asked for", async () => {
    expect((await callAs(bound, { certificate })).seen).toEqual([workload]);
    const slow = { ...bound, principalOf: async () => workload };
    expect((await callAs(slow, { certificate })).seen).toEqual([workload]);
  });

  it.each([[["Bearer bad"]], [[""]], [["Bearer"]], [["Basic YTpi"]], [["Bearer good", "Bearer good"]]])(
    "never falls back to the certificate behind a credential that is not accepted: %j",
    async (authorization) => {
      const { seen, reason } = await callAs(bound, { certificate, authorization });
      expect({ seen, reason }).toEqual({ seen: [], reason: "CREDENTIAL_INVALID" });
    },
  );

  it("is who its token says when it brings one", async () => {
    const { seen } = await callAs(bound, { certificate, authorization: ["Bearer good"] });
    expect(seen).toMatchObject([{ authenticationMethods: principalOf().authenticationMethods }]);
  });

  it("is told that a credential is missing when it is bound to nobody; the record knows more", async () => {
    for (const principalOf of [() => undefined, async () => undefined]) {
      const { seen, reason, drafts } = await callAs({ ...bound, principalOf }, { certificate });
      expect({ seen, reason }).toEqual({ seen: [], reason: "CREDENTIAL_MISSING" });
      expect(drafts).toMatchObject([{ reason: "CERTIFICATE_UNBOUND" }]);
    }
  });

  it("is nobody where no client shows certificates", async () => {
    expect(await callAs(undefined, { certificate })).toMatchObject({ seen: [], reason: "CREDENTIAL_MISSING" });
  });

  it("NET-03 is refused once its certificate has died, with a good token and on methods for everyone too", async () => {
    const workloads = { ...bound, requireLive: dead };
    const callers: readonly Caller[] = [{}, { authorization: ["Bearer good"] }, { method: login }];
    for (const caller of callers) {
      const { seen, reason } = await callAs(workloads, { certificate, ...caller });
      expect({ seen, reason }).toEqual({ seen: [], reason: "CREDENTIAL_INVALID" });
    }
    const { drafts } = await callAs(workloads, { certificate });
    expect(drafts).toMatchObject([{ reason: "CERTIFICATE_REVOKED" }]);
    expect((await callAs(workloads, { authorization: ["Bearer good"] })).seen).toHaveLength(1);
  });
});
