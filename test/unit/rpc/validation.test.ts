// The rules that stand in the contracts: all violations at once, named by field, without an echo of the value.
import { create } from "@bufbuild/protobuf";
import {
  AuthService,
  LoginRequestSchema,
  WhoAmIRequestSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { CreateGrantRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import {
  GetSecretRequestSchema,
  ListSecretsRequestSchema,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { describe, expect, it } from "vitest";
import { createMessageValidator } from "../../../src/rpc/validation.ts";
import { callThrough, createFakeChain, incomingOf } from "../../fakes/chain.ts";
import { ownServices } from "../../fakes/scripted-services.ts";
import { readStatus } from "../../fakes/status.ts";

const validator = createMessageValidator();

describe("a request", () => {
  it("RPC-01 that breaks no rule has no violations", () => {
    const check = validator.checkOf(LoginRequestSchema);
    expect(check(create(LoginRequestSchema, { loginName: "eve", password: "x" }))).toEqual([]);
  });

  it("without any rule is not looked at", () => {
    expect(validator.checkOf(WhoAmIRequestSchema)(create(WhoAmIRequestSchema))).toEqual([]);
  });

  it("RPC-01 lists every field that breaks a rule, as the contract spells it", () => {
    const check = validator.checkOf(CreateGrantRequestSchema);
    const found = check(
      create(CreateGrantRequestSchema, { principalId: "bob", role: "", resource: "../x", requestId: "1" }),
    );
    expect(found.map(({ field }) => field).toSorted()).toEqual(["principal_id", "request_id", "resource", "role"]);
    for (const { description } of found) expect(description.length).toBeGreaterThan(3);
  });

  it("SEC-05 that is refused is not echoed", async () => {
    const password = "s3ntinel-".repeat(200);
    const loginName = "l0gin-".repeat(50);
    const chain = createFakeChain();
    const reply = await callThrough(chain, AuthService.method.login, { loginName, password }, incomingOf());
    if ("answer" in reply) throw new Error("the request was let in");
    const { info, badRequest } = readStatus(reply.failure.status);
    expect(info?.reason).toBe("REQUEST_INVALID");
    expect(badRequest?.fieldViolations.map(({ field }) => field)).toEqual(["login_name", "password"]);
    const everything = Buffer.from(reply.failure.status).toString("latin1") + JSON.stringify(chain.recorder.drafts);
    expect(everything).not.toContain("s3ntinel");
    expect(everything).not.toContain("l0gin-");
  });

  it.each([-1, -2_147_483_648])("AZ-08 for a page of %d is refused", (pageSize) => {
    const found = validator.checkOf(ListSecretsRequestSchema)(create(ListSecretsRequestSchema, { pageSize }));
    expect(found.map(({ field }) => field)).toEqual(["page_size"]);
  });

  it.each([0, 1, 500, 1_000_000_000])("AZ-08 for a page of %d is let through, to be cut to size", (pageSize) => {
    expect(validator.checkOf(ListSecretsRequestSchema)(create(ListSecretsRequestSchema, { pageSize }))).toEqual([]);
  });

  it.each([
    ["a", true],
    ["team-a/db", true],
    ["A_b.c-d/0", true],
    ["a".repeat(512), true],
    ["a".repeat(513), false],
    ["", false],
    ["/a", false],
    ["a/", false],
    ["a//b", false],
    [".", false],
    ["..", false],
    ["a/../b", false],
    ["a/.b", false],
    ["a b", false],
    ["a\n", false],
    ["a\u0000", false],
    ["ä", false],
    ["a／b", false],
  ])("AZ-06 with the path %j is valid: %j", (path, valid) => {
    const found = validator.checkOf(GetSecretRequestSchema)(create(GetSecretRequestSchema, { path }));
    expect(found.length === 0).toBe(valid);
  });

  it("RPC-08 is checked in bounded time, however it was made", () => {
    const check = validator.checkOf(GetSecretRequestSchema);
    const began = process.cpuUsage().user;
    for (const path of [`${"a/".repeat(2_000)}!`, `${"a".repeat(4_000)}!`, `${"a-".repeat(2_000)}/`])
      check(create(GetSecretRequestSchema, { path }));
    expect(process.cpuUsage().user - began).toBeLessThan(500_000);
  });
});

describe("the rules of every contract", () => {
  it("compile, and can be evaluated on an empty message", () => {
    for (const service of ownServices) {
      for (const { input } of service.methods) expect(() => validator.checkOf(input)(create(input))).not.toThrow();
    }
  });
});
