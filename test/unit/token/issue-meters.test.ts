// What is counted of tokens that are made, and of grants that are refused.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { IssueTokenRequestSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { unobserved } from "../../../src/kernel/observer.ts";
import type { ServiceCredential } from "../../../src/kernel/ports.ts";
import { createGrantMeter, meterAccessTokens, refusalOf } from "../../../src/token/issue-meters.ts";
import { countingMetrics } from "../../fakes/counting-metrics.ts";
import { fakeMachines } from "../../fakes/machines.ts";
import { createTokenWorld, standingOf } from "../../fakes/token-world.ts";

const robot = "01890000-0000-7000-8000-0000000000c1";
const standing = standingOf(robot, { kind: "service_account" });
const credential: ServiceCredential = { principalId: robot, standing, scopes: ["*"], expiresAt: undefined };
const workload = { ...credential, bindingId: robot, subject: "cart" };
const certificate = { spiffeId: undefined, dnsNames: ["cart"], thumbprint: "A".repeat(43), expiresAt: new Date() };

const issued = "gatehouse_tokens_issued_total";
const refused = "gatehouse_token_grants_refused_total";

function world() {
  const metrics = countingMetrics();
  const made = createTokenWorld({
    metrics,
    machines: fakeMachines({
      keys: { ghk_good: { ...credential, keyId: robot } },
      certificates: { [certificate.thumbprint]: workload },
      kubernetes: { "eyJ.k8s": workload },
    }),
  });
  made.standings.set(standing);
  const issue = async (request: MessageInitShape<typeof IssueTokenRequestSchema>) =>
    made.handler("issueToken")(create(IssueTokenRequestSchema, request), made.call({ certificate }));
  return { ...made, metrics, issue };
}

describe("J-08 tokens for machines", () => {
  it.each([
    ["api_key", { case: "apiKey", value: "ghk_good" }],
    ["certificate", { case: "certificate", value: {} }],
    ["kubernetes_token", { case: "kubernetesToken", value: "eyJ.k8s" }],
  ] as const)("are counted as %s", async (grant, shown) => {
    const { issue, metrics } = world();
    await issue({ credential: shown });
    expect(metrics.read(issued)).toEqual({ [`grant=${grant} outcome=ok`]: 1 });
    expect(metrics.read(refused)).toEqual({});
  });

  it.each([
    ["grant=api_key outcome=refused reason=CREDENTIAL_INVALID", { case: "apiKey", value: "ghk_bad" }],
    ["grant=client_credentials outcome=refused reason=CLIENT_INVALID", { case: "client", value: { clientId: "no" } }],
    ["grant=none outcome=refused reason=REQUEST_INVALID", { case: undefined }],
  ] as const)("that nobody gets are %s", async (labels, shown) => {
    const { issue, metrics } = world();
    await expect(issue({ credential: shown })).rejects.toThrow();
    expect(metrics.read(refused)).toEqual({ [labels]: 1 });
    expect(metrics.read(issued)).toEqual({});
  });
});

describe("what was wrong", () => {
  it("has the finer reason of the trail, and says whose fault it was", () => {
    const fine = new GatehouseError("CLIENT_NOT_ALLOWED", { auditReason: "PRINCIPAL_DISABLED" });
    expect(refusalOf(fine)).toEqual(["refused", "PRINCIPAL_DISABLED"]);
    expect(refusalOf(new GatehouseError("KEYS_UNAVAILABLE"))).toEqual(["failed", "KEYS_UNAVAILABLE"]);
    expect(refusalOf(new TypeError("canary"))).toEqual(["failed", "INTERNAL"]);
  });

  it("is counted by reason where it is a token that nobody could sign", async () => {
    const metrics = countingMetrics();
    const failing = { issue: () => Promise.reject(new GatehouseError("KEYS_UNAVAILABLE")) };
    const { tracer } = unobserved;
    const { issue } = meterAccessTokens(failing, { metrics, tracer })("exchange");
    const give = createGrantMeter(metrics)(
      () => issue({} as never),
      () => "exchange" as const,
    );
    await expect(give({}, {} as never)).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    expect(metrics.read(issued)).toEqual({ "grant=exchange outcome=failed": 1 });
    expect(metrics.read(refused)).toEqual({ "grant=exchange outcome=failed reason=KEYS_UNAVAILABLE": 1 });
  });
});
