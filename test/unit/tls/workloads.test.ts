// Who calls with a certificate alone: the principal that comes of what the certificate is bound to.
import { describe, expect, it } from "vitest";
import type { PeerCertificate } from "../../../src/kernel/handler.ts";
import type { WorkloadCredential } from "../../../src/kernel/ports.ts";
import { createWorkloads } from "../../../src/tls/workloads.ts";
import { alice, principalOf } from "../../fakes/principal.ts";

const now = new Date("2026-11-21T12:00:00.000Z");
const certificate: PeerCertificate = {
  spiffeId: "spiffe://prod/cart",
  dnsNames: [],
  thumbprint: "print",
  expiresAt: new Date(now.getTime() + 60_000),
};

function credential(scopes: readonly string[] = ["*"]): WorkloadCredential {
  const { standing } = principalOf({ kind: "service_account" });
  const bindingId = "018f0000-0000-7000-8000-000000000001";
  return { principalId: alice, bindingId, subject: "spiffe://prod/cart", scopes, standing, expiresAt: undefined };
}

function openWith(answers: (WorkloadCredential | undefined | Promise<WorkloadCredential | undefined>)[]) {
  const bindings = { ofCertificate: () => answers.shift() };
  return createWorkloads({ bindings, security: { requireLive: () => {} } });
}

describe("a workload", () => {
  it("NET-03 is the principal that its certificate is bound to, as mtls, until the certificate ends", () => {
    const bound = credential(["secrets.read"]);
    const workloads = openWith([bound, bound]);
    const principal = workloads.principalOf(certificate, now);
    expect(principal).toMatchObject({
      id: alice,
      kind: "service_account",
      authenticationMethods: ["mtls"],
      clientId: "spiffe://prod/cart",
      tokenId: "print",
      scopes: new Set(["secrets.read"]),
      tokenExpiresAt: certificate.expiresAt,
      sessionId: undefined,
    });
    expect(workloads.principalOf(certificate, now)).toBe(principal);
  });

  it("is nobody without a binding, at once and late", async () => {
    const workloads = openWith([undefined, Promise.resolve(undefined)]);
    expect(workloads.principalOf(certificate, now)).toBeUndefined();
    await expect(workloads.principalOf(certificate, now)).resolves.toBeUndefined();
  });

  it("has the standing and the scopes of the moment, and keeps the time of its first call", async () => {
    const changed = credential(["secrets.read"]);
    const workloads = openWith([credential(), Promise.resolve(changed)]);
    workloads.principalOf(certificate, now);
    await expect(workloads.principalOf(certificate, new Date(now.getTime() + 1_000))).resolves.toMatchObject({
      standing: changed.standing,
      scopes: new Set(["secrets.read"]),
      authenticatedAt: now,
    });
  });

  it("passes a refusal on", async () => {
    const workloads = openWith([Promise.reject(new Error("bound to one that is gone"))]);
    await expect(workloads.principalOf(certificate, now)).rejects.toThrow("gone");
  });
});
