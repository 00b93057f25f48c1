// The policy of every served method as a table that is reviewed: a change of who may call what is a change of
// methods.golden.txt. `UPDATE_GOLDEN=1 npx vitest run test/policy` writes it anew.
import { readFileSync, writeFileSync } from "node:fs";
import { Access, AuditMode } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { describe, expect, it } from "vitest";
import { createHealth } from "../../src/rpc/health/service.ts";
import { createPolicyTable, type MethodEntry } from "../../src/rpc/policy.ts";
import { createReflection } from "../../src/rpc/reflection/service.ts";
import { scriptedServices } from "../fakes/scripted-services.ts";

const golden = new URL("methods.golden.txt", import.meta.url);

const table = createPolicyTable([
  ...scriptedServices(),
  createHealth({ unknownService: () => new Error("unknown") }).binding,
  ...createReflection({ services: () => [], readDescriptors: async () => new Uint8Array(0) }),
]);

const columns: readonly (readonly [string, (entry: MethodEntry) => string])[] = [
  ["method", ({ name }) => name],
  ["access", ({ access }) => Access[access] ?? "?"],
  ["permission", ({ permission }) => permission],
  [
    "resource",
    ({ resourceType, resourceField }) =>
      [resourceType, resourceField && `{${resourceField}}`].filter(Boolean).join("/"),
  ],
  [
    "narrowed by",
    ({ demand: { stepUp, adminNetwork } }) =>
      [stepUp && "step-up", adminNetwork && "network"].filter(Boolean).join("+"),
  ],
  ["limit", ({ limit }) => limit],
  ["priority", ({ priority }) => priority],
  [
    "audit",
    ({ auditMode, auditCategory }) =>
      auditMode === AuditMode.NONE ? "NONE" : `${AuditMode[auditMode]} ${auditCategory}`,
  ],
  ["event", ({ auditEvent }) => auditEvent],
  ["max bytes", ({ maxRequestBytes }) => String(maxRequestBytes)],
];

function tableText(): string {
  const rows = [...table.values()].map((entry) => columns.map(([, cell]) => cell(entry) || "-"));
  const lines = [columns.map(([title]) => title), ...rows.toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return `${lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")}\n`;
}

describe("the policy of every method", () => {
  it("AZ-11 AZ-01 is the one that was reviewed", () => {
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(golden, tableText());
    expect(tableText()).toBe(readFileSync(golden, "utf8"));
  });

  it("CVE-2026-5724 AZ-01 lets nobody in without a credential but where the request itself is one, or the answer is for everyone", () => {
    const open = [...table.values()].filter(({ access }) => access === Access.PUBLIC).map(({ name }) => name);
    expect(open.toSorted()).toEqual([
      "gatehouse.auth.v1.AuthService/Bootstrap",
      "gatehouse.auth.v1.AuthService/Login",
      "gatehouse.auth.v1.AuthService/Register",
      "gatehouse.token.v1.TokenService/ExchangeToken",
      "gatehouse.token.v1.TokenService/GetJwks",
      "gatehouse.token.v1.TokenService/IssueToken",
      "gatehouse.token.v1.TokenService/Refresh",
      "grpc.health.v1.Health/Check",
      "grpc.health.v1.Health/List",
      "grpc.health.v1.Health/Watch",
      "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ]);
  });

  it("P-15 P-02 asks for a recent login and an administrator's network wherever who may do what is changed for others", () => {
    const narrowed = [...table.values()].filter(({ demand }) => demand.stepUp && demand.adminNetwork);
    expect(narrowed.map(({ method }) => method.name).toSorted()).toEqual([
      "CompromiseSigningKey",
      "CreateApiKey",
      "CreateClient",
      "CreateClientSecret",
      "CreateGrant",
      "CreateInvitation",
      "CreateRole",
      "CreateServiceAccount",
      "CreateWorkloadBinding",
      "DeleteClient",
      "DeleteGrant",
      "DeleteRole",
      "DeleteServiceAccount",
      "DeleteWorkloadBinding",
      "RevokeApiKey",
      "RevokeClientSecret",
      "RevokeSession",
      "RevokeSubject",
      "RotateApiKey",
      "RotateSigningKey",
      "UpdateClient",
      "UpdateRole",
      "UpdateServiceAccount",
    ]);
  });

  it("PWD-12 counts everything that can be guessed against the login limit", () => {
    for (const entry of table.values()) {
      const guessable = ["bootstrap_token", "password"].some((name) =>
        entry.method.input.fields.some((field) => field.name === name),
      );
      if (guessable) expect(entry.limit).toBe("login");
    }
  });

  it("RPC-06 bounds every request, a login to 16 KiB", () => {
    for (const { name, maxRequestBytes } of table.values()) {
      expect(maxRequestBytes).toBeGreaterThan(0);
      expect(maxRequestBytes).toBeLessThanOrEqual(4 * 1024 * 1024);
      if (name.endsWith("/Login")) expect(maxRequestBytes).toBe(16_384);
    }
  });

  it("AUD-01 evidences every change with its effect, and every read of a secret or of the trail before it is answered", () => {
    const modeOf = (end: string) => [...table.values()].find(({ name }) => name.endsWith(end))?.auditMode;
    for (const end of ["/GetSecret", "/QueryEvents", "/GetEvent"]) expect(modeOf(end)).toBe(AuditMode.BLOCKING);
    for (const { name, limit, auditMode, access } of table.values()) {
      if (limit === "write") expect({ name, auditMode }).toEqual({ name, auditMode: AuditMode.ATOMIC });
      if (access !== Access.PUBLIC) expect(auditMode).not.toBe(AuditMode.NONE);
    }
  });
});
