// Who calls with a certificate alone: the file of bindings, and the principal that comes of it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PeerCertificate } from "../../../src/kernel/handler.ts";
import { noMetrics } from "../../../src/kernel/metrics.ts";
import type { Standings } from "../../../src/kernel/ports.ts";
import type { Standing } from "../../../src/kernel/principal.ts";
import { StartRefused } from "../../../src/kernel/start-refused.ts";
import { readWorkloads } from "../../../src/tls/workload-file.ts";
import { openWorkloads } from "../../../src/tls/workloads.ts";
import { createFakeLogger } from "../../fakes/logger.ts";
import { type CertificateFiles, certificateFiles } from "../../fixtures/certificates.ts";

const one = "018f0000-0000-7000-8000-000000000001";
const two = "018f0000-0000-7000-8000-000000000002";
const now = new Date("2026-11-21T12:00:00.000Z");
const setting = "GATEHOUSE_WORKLOADS_FILE";

let files: CertificateFiles;
beforeAll(async () => {
  files = await certificateFiles();
});
afterAll(() => files[Symbol.asyncDispose]());

const line = (value: object) => `${JSON.stringify(value)}\n`;
const cart = { spiffe_id: "spiffe://prod/cart", principal_id: `prn_${one}` };
const billing = { dns_name: "billing.internal", principal_id: `prn_${two}`, scopes: ["secrets.read"] };

function certificate(shown: Partial<PeerCertificate> = {}): PeerCertificate {
  return {
    spiffeId: undefined,
    dnsNames: [],
    thumbprint: "print",
    expiresAt: new Date(now.getTime() + 60_000),
    ...shown,
  };
}

function standingOf(principalId: string, active = true): Standing {
  return { principalId, kind: "service_account", active, generation: 1, roles: [], grants: [] };
}

async function openWith(text: string, known: Map<string, Standing>, inMemory = true) {
  const path = await files.write("workloads.jsonl", text);
  const logger = createFakeLogger();
  const standings: Standings = {
    peek: (id) => (inMemory ? known.get(id) : undefined),
    of: async (id) => known.get(id),
    fresh: async (id) => known.get(id),
  };
  const security = { requireLive: () => {} };
  const workloads = await openWorkloads({
    file: { setting, path },
    standings,
    security,
    metrics: noMetrics,
    logger,
    record: async () => {},
  });
  return { workloads, logger };
}

describe("the file of bindings", () => {
  const read = async (text: string) => readWorkloads({ setting, path: await files.write("read.jsonl", text) });

  it("says who is bound to whom, with which scopes; comments and empty lines say nothing", async () => {
    const { bySpiffeId, byDnsName } = await read(`# reviewed\n\n${line(cart)}${line(billing)}`);
    expect([...bySpiffeId]).toEqual([["spiffe://prod/cart", { principalId: one, scopes: new Set(["*"]) }]]);
    expect([...byDnsName]).toEqual([["billing.internal", { principalId: two, scopes: new Set(["secrets.read"]) }]]);
  });

  it.each([
    ["no JSON", "hunter2"],
    ["an array", "[]"],
    ["no name", line({ principal_id: `prn_${one}` })],
    ["two names", line({ ...cart, dns_name: "a.b" })],
    ["a member that nobody knows", line({ ...cart, scope: ["secrets.read"] })],
    ["an id without prefix", line({ ...cart, principal_id: one })],
    ["a SPIFFE id of a whole trust domain", line({ ...cart, spiffe_id: "spiffe://prod" })],
    ["a SPIFFE id that climbs", line({ ...cart, spiffe_id: "spiffe://prod/a/.." })],
    ["a wildcard", line({ ...billing, dns_name: "*.internal" })],
    ["a name in capitals", line({ ...billing, dns_name: "Billing.internal" })],
    ["no scopes where some are promised", line({ ...cart, scopes: [] })],
    ["scopes that are one word", line({ ...cart, scopes: "*" })],
    ["a scope that is no name", line({ ...cart, scopes: ["secrets.read write"] })],
    ["a number", line({ ...cart, principal_id: 1 })],
  ])("is refused as a whole for %s, with the number of the line and not its words", async (_, wrong) => {
    const error = await read(`${line(billing)}${wrong}`).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StartRefused);
    expect((error as Error).message).toMatch(/of GATEHOUSE_WORKLOADS_FILE is not right in line 2: expected spiffe_id/);
    expect((error as Error).message).not.toContain("hunter2");
  });

  it("is refused when it binds one name twice", async () => {
    await expect(read(line(cart) + line({ ...cart, principal_id: `prn_${two}` }))).rejects.toThrow("in line 2");
  });
});

describe("a workload", () => {
  const known = () => new Map([one, two].map((id) => [id, standingOf(id)]));

  it("NET-03 is the principal that its SPIFFE id is bound to, as mtls, until its certificate ends", async () => {
    const { workloads } = await openWith(line(cart) + line(billing), known());
    const shown = certificate({ spiffeId: "spiffe://prod/cart", dnsNames: ["billing.internal"] });
    expect(workloads.principalOf(shown, now)).toMatchObject({
      id: one,
      kind: "service_account",
      authenticationMethods: ["mtls"],
      clientId: "spiffe://prod/cart",
      tokenExpiresAt: shown.expiresAt,
      sessionId: undefined,
    });
    expect(workloads.principalOf(shown, now)).toBe(workloads.principalOf(shown, now));
  });

  it("is nobody without a binding, and with names of two", async () => {
    const { workloads } = await openWith(line(billing) + line({ ...billing, dns_name: "b.internal" }), known());
    expect(workloads.principalOf(certificate(), now)).toBeUndefined();
    expect(workloads.principalOf(certificate({ spiffeId: "spiffe://prod/cart" }), now)).toBeUndefined();
    const both = certificate({ dnsNames: ["billing.internal", "b.internal"] });
    expect(workloads.principalOf(both, now)).toBeUndefined();
  });

  it.each([true, false])("is refused when the principal is gone or not active (in memory: %s)", async (inMemory) => {
    const standings = new Map([[two, standingOf(two, false)]]);
    const { workloads } = await openWith(line(cart) + line(billing), standings, inMemory);
    const refused = { reason: "CREDENTIAL_INVALID", auditReason: "CERTIFICATE_UNBOUND" };
    const ask = async (shown: PeerCertificate) => workloads.principalOf(shown, now);
    await expect(ask(certificate({ spiffeId: "spiffe://prod/cart" }))).rejects.toMatchObject(refused);
    await expect(ask(certificate({ dnsNames: ["billing.internal"] }))).rejects.toMatchObject(refused);
  });

  it("has the standing of the moment, and keeps the time of its first call", async () => {
    const standings = known();
    const { workloads } = await openWith(line(cart), standings);
    const shown = certificate({ spiffeId: "spiffe://prod/cart" });
    workloads.principalOf(shown, now);
    const changed = { ...standingOf(one), roles: ["auditor"] };
    standings.set(one, changed);
    const later = new Date(now.getTime() + 1_000);
    expect(workloads.principalOf(shown, later)).toMatchObject({ standing: changed, authenticatedAt: now });
  });

  it("follows its binding when the file changes, and keeps it when the file breaks", async () => {
    const { workloads, logger } = await openWith(line(cart), known());
    const shown = certificate({ spiffeId: "spiffe://prod/cart" });
    expect(workloads.principalOf(shown, now)).toMatchObject({ id: one });
    await files.write("workloads.jsonl", line({ ...cart, principal_id: `prn_${two}`, scopes: ["secrets.read"] }));
    await workloads.look();
    expect(workloads.principalOf(shown, now)).toMatchObject({ id: two, scopes: new Set(["secrets.read"]) });
    await files.write("workloads.jsonl", "hunter2, and longer than before");
    await expect(workloads.prepare()).rejects.toBeInstanceOf(StartRefused);
    await workloads.look();
    expect(workloads.principalOf(shown, now)).toMatchObject({ id: two });
    expect(logger.lines.filter(({ level }) => level === "error")).toHaveLength(1);
    expect(JSON.stringify(logger.lines)).not.toContain("hunter2");
    await files.write("workloads.jsonl", "# nobody");
    await workloads.look();
    expect(workloads.principalOf(shown, now)).toBeUndefined();
  });
});
