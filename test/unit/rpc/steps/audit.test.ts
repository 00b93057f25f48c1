// Evidence: which outcomes leave a record, that it is there before the answer leaves, and that there is never a second one.
import { create } from "@bufbuild/protobuf";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import {
  GetSecretResponseSchema,
  PutSecretResponseSchema,
  SecretsService,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import { bearing, callThrough, createFakeChain, incomingOf } from "../../../fakes/chain.ts";
import { alice, allow, principalOf } from "../../../fakes/principal.ts";
import type { Script } from "../../../fakes/scripted-services.ts";
import { readStatus } from "../../../fakes/status.ts";

const { getSecret, listSecrets, putSecret } = SecretsService.method;
const tokens = { alice: principalOf({ grants: [allow("*", "secrets")] }), nobody: principalOf() };
const requestId = "018f0000-0000-4000-8000-000000000001";

function start(script: Script = {}) {
  const chain = createFakeChain({ script, tokens });
  const call = async (method: Parameters<typeof callThrough>[1], request: object, token = "alice") => {
    const reply = await callThrough(chain, method, request as never, incomingOf({ metadata: bearing(token) }));
    return "answer" in reply ? "OK" : (readStatus(reply.failure.status).info?.reason ?? "no reason");
  };
  return { ...chain, call };
}

const commits: Script = {
  "SecretsService/PutSecret": async (_request, call) => call.commit(async () => create(PutSecretResponseSchema)),
};

describe("a read that must be evidenced", () => {
  it("AUD-01 is recorded before its answer leaves", async () => {
    const { call, recorder } = start({
      "SecretsService/GetSecret": async (_request, { audit }) => {
        audit.resources.push({ type: "secret", uid: "team-a/db", version: 3 });
        return {};
      },
    });
    expect(await call(getSecret, { path: "team-a/db" })).toBe("OK");
    expect(recorder.drafts).toMatchObject([
      {
        event: "secret.read",
        category: "DATA_ACCESS",
        outcome: "SUCCESS",
        grpcCode: 0,
        method: "gatehouse.secrets.v1.SecretsService/GetSecret",
        actor: { id: alice, kind: "person" },
        subjectId: alice,
        personal: { address: "192.0.2.1", userAgent: "test" },
        resources: [{ uid: "team-a/db", version: 3 }],
      },
    ]);
  });

  it("AUD-01 does not leave when it cannot be recorded", async () => {
    const { recorder, chain, table, logger } = start({
      "SecretsService/GetSecret": async () => create(GetSecretResponseSchema, { value: Buffer.from("the-secret") }),
    });
    recorder.break();
    const reply = await callThrough(
      { chain, table },
      getSecret,
      { path: "a" },
      incomingOf({ metadata: bearing("alice") }),
    );
    if ("answer" in reply) throw new Error("the answer left");
    expect(readStatus(reply.failure.status)).toMatchObject({ code: 14, info: { reason: "AUDIT_UNAVAILABLE" } });
    expect(Buffer.from(reply.failure.status).toString("latin1")).not.toContain("the-secret");
    expect(logger.lines).toMatchObject([{ level: "error", fields: { reason: "AUDIT_UNAVAILABLE" } }]);
  });

  it("leaves no record when it is of the kind that only refusals are recorded of", async () => {
    const { call, recorder } = start();
    expect(await call(listSecrets, { parent: "a" })).toBe("OK");
    expect(recorder.drafts).toEqual([]);
  });
});

describe("a change", () => {
  it("AUD-02 is recorded with its effect and not a second time", async () => {
    const { call, recorder, unitOfWork } = start(commits);
    expect(await call(putSecret, { path: "a", value: Buffer.from("v") })).toBe("OK");
    expect(unitOfWork.committed).toMatchObject([{ event: "secret.written", outcome: "SUCCESS" }]);
    expect(recorder.drafts).toEqual([]);
  });

  it("AUD-02 that committed and whose handler fell over then is not recorded as a failure under the same id", async () => {
    const { call, recorder, unitOfWork } = start({
      "SecretsService/PutSecret": async (_request, call) => {
        await call.commit(async () => ({}));
        throw new Error("after the commit");
      },
    });
    expect(await call(putSecret, { path: "a", value: Buffer.from("v") })).toBe("INTERNAL");
    expect(unitOfWork.committed).toHaveLength(1);
    expect(recorder.drafts).toEqual([]);
  });

  it("AUD-02 whose outcome is unknown is not recorded again: its record is as unknown as its effect", async () => {
    const { call, recorder, unitOfWork } = start(commits);
    unitOfWork.afterCommit = () => {
      throw new GatehouseError("OUTCOME_UNKNOWN");
    };
    expect(await call(putSecret, { path: "a", value: Buffer.from("v") })).toBe("OUTCOME_UNKNOWN");
    expect(recorder.drafts).toEqual([]);
  });

  it("AUD-02 that a read makes along the way does not make the read recorded twice", async () => {
    const { call, recorder, unitOfWork } = start({
      "SecretsService/GetSecret": async (_request, call) => call.commit(async () => create(GetSecretResponseSchema)),
    });
    expect(await call(getSecret, { path: "a" })).toBe("OK");
    expect([unitOfWork.committed.length, recorder.drafts.length]).toEqual([1, 0]);
  });

  it("AUD-01 that is rolled back is recorded as the failure it was", async () => {
    const { call, recorder, unitOfWork } = start({
      "SecretsService/PutSecret": async (_request, call) =>
        call.commit(async () => {
          throw new GatehouseError("SECRET_VERSION_CONFLICT");
        }),
    });
    expect(await call(putSecret, { path: "a", value: Buffer.from("v") })).toBe("SECRET_VERSION_CONFLICT");
    expect(unitOfWork.committed).toEqual([]);
    expect(recorder.drafts).toMatchObject([
      { outcome: "FAILURE", reason: "SECRET_VERSION_CONFLICT", grpcCode: 10, category: "DATA_ACCESS" },
    ]);
  });

  it("AUD-03 repeated under its request id is recorded as the repeat it is", async () => {
    const { call, recorder, unitOfWork } = start(commits);
    const request = { path: "a", value: Buffer.from("v"), requestId };
    expect([await call(putSecret, request), await call(putSecret, request)]).toEqual(["OK", "OK"]);
    expect(unitOfWork.committed).toHaveLength(1);
    expect(recorder.drafts).toMatchObject([{ outcome: "SUCCESS", details: { repeated: true } }]);
    expect(recorder.drafts[0]?.eventId).not.toBe(unitOfWork.committed[0]?.eventId);
  });
});

describe("a refusal", () => {
  it.each([
    ["a missing grant", getSecret, { path: "a" }, "nobody", "PERMISSION_DENIED", "POLICY_DENIED", 7],
    ["a dead credential", getSecret, { path: "a" }, "dead", "TOKEN_MALFORMED", "POLICY_DENIED", 16],
    ["a bad field", getSecret, { path: "../a" }, "alice", "REQUEST_INVALID", "DATA_ACCESS", 3],
    ["a bad version", getSecret, { path: "a", version: -1 }, "alice", "REQUEST_INVALID", "DATA_ACCESS", 3],
    ["a missing grant to list", listSecrets, { parent: "a" }, "nobody", "PERMISSION_DENIED", "POLICY_DENIED", 7],
  ] as const)(
    "AUD-01 by %s is recorded, whichever step refused",
    async (_what, method, request, token, reason, category, grpcCode) => {
      const { call, recorder } = start();
      expect(await call(method, request, token)).not.toBe("OK");
      expect(recorder.drafts).toMatchObject([{ outcome: "FAILURE", reason, category, grpcCode }]);
      expect(recorder.drafts[0]?.details.code).toMatch(/^SEC-/);
    },
  );

  it("AUD-01 does not leave when it cannot be recorded", async () => {
    const { call, recorder } = start();
    recorder.break();
    expect(await call(getSecret, { path: "a" }, "nobody")).toBe("AUDIT_UNAVAILABLE");
  });

  it("AUD-01 keeps the finer reason that the handler gave, and its message leaves without it", async () => {
    const { chain, table, recorder } = createFakeChain({
      script: {
        "AuthService/Login": async (_request, { audit }) => {
          audit.actor.id = alice;
          throw new GatehouseError("LOGIN_FAILED", { auditReason: "PASSWORD_WRONG" });
        },
      },
    });
    const request = { loginName: "eve", password: "x" };
    await callThrough({ chain, table }, AuthService.method.login, request, incomingOf());
    expect(recorder.drafts).toMatchObject([{ reason: "PASSWORD_WRONG", grpcCode: 16, actor: { id: alice } }]);
  });

  it("is not recorded where nothing ever is", async () => {
    const { call, recorder } = start({
      "TokenService/GetJwks": async () => {
        throw new GatehouseError("KEYS_UNAVAILABLE");
      },
    });
    expect(await call(TokenService.method.getJwks, {})).toBe("KEYS_UNAVAILABLE");
    expect(recorder.drafts).toEqual([]);
  });

  it("because the database is away is answered as such, without a try at the same database", async () => {
    const { call, recorder } = start({
      "SecretsService/PutSecret": async () => {
        throw new GatehouseError("DATABASE_UNAVAILABLE");
      },
    });
    recorder.break();
    expect(await call(putSecret, { path: "a", value: Buffer.from("v") })).toBe("DATABASE_UNAVAILABLE");
  });
});

describe("an error that nobody foresaw", () => {
  it("RPC-09 is recorded, and its cause goes to the log under the id that the caller has", async () => {
    const cause = new Error("connection to 10.0.0.5 failed");
    const { chain, table, recorder, logger } = start({
      "SecretsService/ListSecrets": async () => {
        throw cause;
      },
    });
    const reply = await callThrough(
      { chain, table },
      listSecrets,
      { parent: "a" },
      incomingOf({ metadata: bearing("alice") }),
    );
    if ("answer" in reply) throw new Error("no failure");
    const { info, message } = readStatus(reply.failure.status);
    expect(message).toBe("internal error");
    expect(recorder.drafts).toMatchObject([{ reason: "INTERNAL", grpcCode: 13 }]);
    expect(logger.lines).toMatchObject([{ level: "error", fields: { err: cause, error_id: info?.metadata.error_id } }]);
    expect(JSON.stringify(recorder.drafts)).not.toContain("10.0.0.5");
  });
});
