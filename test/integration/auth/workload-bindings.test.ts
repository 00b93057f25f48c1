// Workload bindings on the real database: whom a certificate or a cluster's token speaks for, how soon a change counts, and
// what never does.
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { ServiceAccountService } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PeerCertificate } from "../../../src/kernel/handler.ts";
import { parseId } from "../../../src/kernel/ids.ts";
import type { WorkloadIssuers } from "../../../src/kernel/ports.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { openIssuers } from "../../../src/kubernetes/issuers.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";
import { bootstrap, type House, openHouse } from "./house.ts";

const accounts = ServiceAccountService.method;
type Wanted = MessageInitShape<typeof accounts.createWorkloadBinding.input>["workload"];

const cluster = "https://cluster.test";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
let directory: string;
let issuers: WorkloadIssuers;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-issuers-"));
  const keys = [{ ...publicKey.export({ format: "jwk" }), kid: "k1", use: "sig" }];
  await writeFile(join(directory, "keys.json"), JSON.stringify({ keys }));
  const path = join(directory, "issuers.jsonl");
  await writeFile(path, JSON.stringify({ issuer: cluster, jwks_file: join(directory, "keys.json") }));
  issuers = await openIssuers({ file: { setting: "TEST", path }, audience: "gatehouse", logger: silentLogger });
});
afterAll(() => rm(directory, { recursive: true }));

let house: House;
let root: { principalId: string; caller: Principal };
let cart: string;
beforeEach(async () => {
  house = await openHouse({ registration: "open", issuers });
  root = await bootstrap(house);
  cart = await account("cart");
});
afterEach(() => house.close());

async function account(displayName: string): Promise<string> {
  const { serviceAccount } = await house.call(accounts.createServiceAccount, { displayName }, root.caller);
  return serviceAccount?.principalId ?? "";
}

async function bind(workload: Wanted, scopes: string[] = [], principalId = cart, caller = root.caller) {
  const request = { principalId, scopes, ...(workload === undefined ? {} : { workload }) };
  const { workloadBinding } = await house.call(accounts.createWorkloadBinding, request, caller);
  hear();
  return workloadBinding;
}

/** What replicas hear through the feed, which the house does not run. */
function hear(): void {
  house.slice.onFeed(house.database.committed);
}

const spiffe = (value: string) => ({ case: "spiffeId" as const, value });
const dns = (value: string) => ({ case: "dnsName" as const, value });
const kubernetes = (serviceAccount: string, issuer = cluster) => ({
  case: "kubernetes" as const,
  value: { issuer, namespace: "shop", serviceAccount },
});

function certificate(shown: Partial<PeerCertificate> = {}): PeerCertificate {
  const expiresAt = new Date(house.clock.time.getTime() + 3_600_000);
  return { spiffeId: undefined, dnsNames: [], thumbprint: "print", expiresAt, ...shown };
}

const ask = async (shown: PeerCertificate) => house.machines.workloads.ofCertificate(shown, house.clock.time);

function token(claims: object, header: object = {}): string {
  const now = Math.floor(house.clock.time.getTime() / 1_000);
  const body = { iss: cluster, aud: ["gatehouse"], sub: "system:serviceaccount:shop:cart", iat: now, exp: now + 600 };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const input = `${encode({ alg: "ES256", kid: "k1", ...header })}.${encode({ ...body, ...claims })}`;
  const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

const show = (text: string) => house.machines.workloads.ofKubernetesToken(text, house.clock.time);

describe("a certificate", () => {
  it("NET-03 speaks for whom its SPIFFE id is bound to, from memory from then on, narrowed by the binding", async () => {
    const binding = await bind(spiffe("spiffe://prod.example/cart"), ["secrets.read"]);
    const shown = certificate({ spiffeId: "spiffe://prod.example/cart" });
    const first = await ask(shown);
    expect(first).toMatchObject({
      principalId: parseId("principal", cart),
      bindingId: parseId("workloadBinding", binding?.workloadBindingId ?? ""),
      subject: "spiffe://prod.example/cart",
      scopes: ["secrets.read"],
      expiresAt: shown.expiresAt,
    });
    expect(house.machines.workloads.ofCertificate(shown, house.clock.time)).toBe(first);
  });

  it("NET-03 is bound by its names exactly: no prefix, no other case, no wildcard, the SPIFFE id before DNS names", async () => {
    await bind(spiffe("spiffe://prod.example/cart"));
    await bind(dns("billing.internal"), [], await account("billing"));
    for (const [index, spiffeId] of [
      "spiffe://prod.example/cart/x",
      "spiffe://prod.example",
      "spiffe://prod.example/Cart",
    ].entries())
      expect(await ask(certificate({ spiffeId, thumbprint: `s${index}` }))).toBeUndefined();
    for (const [index, name] of ["a.billing.internal", "internal", "*.internal"].entries())
      expect(await ask(certificate({ dnsNames: [name], thumbprint: `d${index}` }))).toBeUndefined();
    const both = certificate({ spiffeId: "spiffe://prod.example/cart", dnsNames: ["billing.internal"] });
    expect(await ask(both)).toMatchObject({ principalId: parseId("principal", cart) });
  });

  it("CVE-2025-49825 with names of two accounts is nobody", async () => {
    await bind(dns("a.internal"));
    await bind(dns("b.internal"), [], await account("other"));
    await bind(dns("c.internal"));
    expect(await ask(certificate({ dnsNames: ["a.internal", "b.internal"], thumbprint: "ab" }))).toBeUndefined();
    expect(await ask(certificate({ dnsNames: ["a.internal", "c.internal"], thumbprint: "ac" }))).toMatchObject({
      principalId: parseId("principal", cart),
    });
  });

  it("NET-03 is a stranger as soon as its binding is gone, and known as soon as there is one", async () => {
    const shown = certificate({ dnsNames: ["cart.internal"] });
    expect(await ask(shown)).toBeUndefined();
    const binding = await bind(dns("cart.internal"));
    expect(await ask(shown)).toBeDefined();
    const { workloadBindingId = "" } = binding ?? {};
    await house.call(accounts.deleteWorkloadBinding, { principalId: cart, workloadBindingId }, root.caller);
    hear();
    expect(await ask(shown)).toBeUndefined();
    expect(house.database.committed).toContainEqual(
      expect.objectContaining({ kind: "credential", key: parseId("workloadBinding", workloadBindingId) }),
    );
  });

  it("NET-03 is refused while its account is stopped", async () => {
    await bind(dns("cart.internal"));
    const shown = certificate({ dnsNames: ["cart.internal"] });
    await ask(shown);
    await house.call(accounts.updateServiceAccount, { principalId: cart, disabled: true }, root.caller);
    hear();
    await expect(ask(shown)).rejects.toMatchObject({ reason: "CREDENTIAL_INVALID", auditReason: "PRINCIPAL_DISABLED" });
  });

  it("is not remembered as what was before, when a binding goes while it is looked up", async () => {
    const { workloadBindingId = "" } = (await bind(dns("cart.internal"))) ?? {};
    const shown = certificate({ dnsNames: ["cart.internal"] });
    const looking = ask(shown);
    hear();
    await looking;
    await house.call(accounts.deleteWorkloadBinding, { principalId: cart, workloadBindingId }, root.caller);
    // This replica heard of a change before its look-up was answered, so it has nothing in memory to go by.
    expect(await ask(shown)).toBeUndefined();
  });
});

describe("a binding", () => {
  it("NET-03 of one workload is made once, of twenty who try", async () => {
    const other = await account("other");
    const tries = Array.from({ length: 20 }, (_, index) => bind(dns("a.internal"), [], index % 2 ? other : cart));
    const made = await Promise.allSettled(tries);
    expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const reasons = made.flatMap((one) => (one.status === "rejected" ? one.reason.reason : []));
    expect(new Set(reasons)).toEqual(new Set(["WORKLOAD_BINDING_EXISTS"]));
  });

  it("AZ-05 is made by nobody who lacks what it could do", async () => {
    await house.call(GrantService.method.createGrant, { principalId: cart, role: "admin" }, root.caller);
    const narrow = await house.principal(root.principalId, ["auth.service_accounts.bindings.create", "secrets.read"]);
    await expect(bind(dns("a.internal"), [], cart, narrow)).rejects.toMatchObject({ reason: "CREDENTIAL_EXCEEDS_OWN" });
    await expect(bind(dns("a.internal"), ["secrets.read"], cart, narrow)).resolves.toBeDefined();
  });

  it("is refused for what names no workload, and for a cluster that nobody configured", async () => {
    for (const [workload, field] of [
      [spiffe("spiffe://prod.example/a/../b"), "spiffe_id"],
      [kubernetes("cart", "https://elsewhere.test"), "kubernetes.issuer"],
      [undefined, "workload"],
    ] as const)
      await expect(bind(workload)).rejects.toMatchObject({ reason: "REQUEST_INVALID", violations: [{ field }] });
  });

  it("is listed with its workload, deleted once, and only with its own account", async () => {
    const other = await account("other");
    const { workloadBindingId = "" } = (await bind(kubernetes("cart"))) ?? {};
    const { workloadBindings } = await house.call(accounts.listWorkloadBindings, { principalId: cart }, root.caller);
    expect(workloadBindings).toMatchObject([{ workloadBindingId, workload: kubernetes("cart"), scopes: ["*"] }]);
    const remove = (principalId: string) =>
      house.call(accounts.deleteWorkloadBinding, { principalId, workloadBindingId }, root.caller);
    const unknown = { reason: "WORKLOAD_BINDING_NOT_FOUND" };
    await expect(remove(other)).rejects.toMatchObject(unknown);
    await remove(cart);
    await expect(remove(cart)).rejects.toMatchObject(unknown);
  });

  it("tells when it was last used", async () => {
    await bind(dns("cart.internal"));
    await bind(kubernetes("cart"));
    await ask(certificate({ dnsNames: ["cart.internal"] }));
    await show(token({}));
    await house.machines.close();
    const { workloadBindings } = await house.call(accounts.listWorkloadBindings, { principalId: cart }, root.caller);
    expect(workloadBindings.map(({ lastUseTime }) => lastUseTime !== undefined)).toEqual([true, true]);
  });
});

describe("a Kubernetes token", () => {
  it("speaks for whom its service account is bound to, until it ends", async () => {
    await bind(kubernetes("cart"), ["secrets.read"]);
    const exp = Math.floor(house.clock.time.getTime() / 1_000) + 60;
    expect(await show(token({ exp }))).toMatchObject({
      principalId: parseId("principal", cart),
      subject: "system:serviceaccount:shop:cart",
      scopes: ["secrets.read"],
      expiresAt: new Date(exp * 1_000),
    });
  });

  it("CVE-2025-49825 of another cluster, audience, namespace or account, or unbound, is one bare answer", async () => {
    await bind(kubernetes("cart"));
    const wrong = [
      token({ iss: "https://elsewhere.test" }),
      token({ aud: "https://kubernetes.default.svc" }),
      token({ sub: "system:serviceaccount:shop:cart2" }),
      token({ sub: "system:serviceaccount:other:cart" }),
      token({ sub: "system:node:cart" }),
      token({}, { kid: "k2" }),
      token({}, { alg: "none" }),
      `${token({}).split(".").slice(0, 2).join(".")}.`,
      "",
    ];
    const answers = await Promise.all(wrong.map((text) => show(text).catch((error: unknown) => error)));
    for (const answer of answers)
      expect(answer).toMatchObject({
        reason: "CREDENTIAL_INVALID",
        message: "the credential is not accepted",
        metadata: {},
      });
  });

  it("is refused while the account is stopped, and by an installation that believes no cluster", async () => {
    await bind(kubernetes("cart"));
    await house.call(accounts.updateServiceAccount, { principalId: cart, disabled: true }, root.caller);
    hear();
    await expect(show(token({}))).rejects.toMatchObject({ reason: "CREDENTIAL_INVALID" });
    const replica = await house.replica({ issuers: undefined });
    await expect(replica.machines.workloads.ofKubernetesToken(token({}), house.clock.time)).rejects.toMatchObject({
      reason: "CREDENTIAL_INVALID",
    });
    await replica.close();
  });
});
