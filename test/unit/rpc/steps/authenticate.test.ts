// Who calls: nothing but one well-formed live bearer token makes a principal, and nothing else falls through to anonymous.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import { errorTable, GatehouseError, type Reason } from "../../../../src/kernel/errors.ts";
import type { Principal } from "../../../../src/kernel/principal.ts";
import { callThrough, createFakeChain, incomingOf, noon } from "../../../fakes/chain.ts";
import { principalOf } from "../../../fakes/principal.ts";
import { readStatus } from "../../../fakes/status.ts";

const { whoAmI } = AuthService.method;
const tokenReasons = (Object.keys(errorTable) as Reason[]).filter((reason) => reason.startsWith("TOKEN_"));

async function whoIs(authorization: readonly string[], options: Parameters<typeof createFakeChain>[0] = {}) {
  let seen: Principal | "anonymous" | undefined;
  const chain = createFakeChain({
    tokens: { good: principalOf() },
    script: {
      "AuthService/WhoAmI": async (_request, call) => {
        seen = call.principal ?? "anonymous";
        return {};
      },
    },
    ...options,
  });
  const metadata = authorization.length > 0 ? { authorization } : {};
  const reply = await callThrough(chain, whoAmI, {}, incomingOf({ metadata }));
  const status = "failure" in reply ? readStatus(reply.failure.status) : undefined;
  return { seen, reason: status?.info?.reason, status, drafts: chain.recorder.drafts, chain };
}

describe("a credential", () => {
  it.each([
    ["one token", ["Bearer good"]],
    ["any case of the scheme", ["bearer good"]],
    ["any case of the scheme", ["BEARER good"]],
    ["more than one space", ["Bearer   good"]],
    ["spaces behind", ["Bearer good  "]],
  ])("AZ-04 of %s is accepted: %j", async (_what, authorization) => {
    const { seen, reason } = await whoIs(authorization);
    expect(reason).toBeUndefined();
    expect(seen).toMatchObject({ id: principalOf().id });
  });

  it("AZ-04 that is missing is refused as missing", async () => {
    const { seen, reason, drafts } = await whoIs([]);
    expect({ seen, reason }).toEqual({ seen: undefined, reason: "CREDENTIAL_MISSING" });
    expect(drafts).toMatchObject([{ reason: "CREDENTIAL_MISSING", category: "POLICY_DENIED", grpcCode: 16 }]);
  });

  it.each([
    ["two values, both good", ["Bearer good", "Bearer good"]],
    ["two values, the first good", ["Bearer good", "Bearer other"]],
    ["two values, the second good", ["Basic x", "Bearer good"]],
    ["two values joined by a comma", ["Bearer good, Bearer other"]],
    ["a comma behind", ["Bearer good,"]],
    ["a comma in front", [",Bearer good"]],
    ["the scheme Basic", ["Basic Z29vZDpnb29k"]],
    ["the scheme DPoP", ["DPoP good"]],
    ["no scheme", ["good"]],
    ["nothing", [""]],
    ["spaces", ["   "]],
    ["a scheme and no token", ["Bearer"]],
    ["a scheme, a space and no token", ["Bearer "]],
    ["a space in front", [" Bearer good"]],
    ["a tab between", ["Bearer\tgood"]],
    ["no space between", ["Bearergood"]],
    ["two tokens", ["Bearer good good"]],
    ["a scheme twice", ["Bearer Bearer good"]],
    ["a line break behind", ["Bearer good\n"]],
    ["a line break and more", ["Bearer good\nBearer other"]],
    ["a non-breaking space", ["Bearer\u00a0good"]],
  ])("AZ-04 of %s is refused, never taken for anonymous", async (_what, authorization) => {
    const { seen, reason, drafts } = await whoIs(authorization);
    expect({ seen, reason }).toEqual({ seen: undefined, reason: "CREDENTIAL_INVALID" });
    expect(drafts[0]?.reason).toMatch(/^((CREDENTIAL|TOKEN)_MALFORMED|TOKEN_BOUND)$/);
  });

  it.each(tokenReasons)(
    "TOK-16 that is dead by %s is one bare CREDENTIAL_INVALID outside, and the reason inside",
    async (reason) => {
      const bare = await whoIs(["Bearer unknown"]);
      const dead = await whoIs(["Bearer dead"], { tokens: { dead: reason } });
      expect(dead.seen).toBeUndefined();
      expect({ ...dead.status, info: undefined }).toEqual({ ...bare.status, info: undefined });
      expect(Object.keys(dead.status?.info?.metadata ?? {})).toEqual(Object.keys(bare.status?.info?.metadata ?? {}));
      expect(dead.reason).toBe("CREDENTIAL_INVALID");
      expect(dead.drafts).toMatchObject([{ reason, outcome: "FAILURE", actor: { kind: "anonymous" } }]);
    },
  );

  it("TOK-16 that turns out dead later, behind a promise, gives the same bare answer", async () => {
    const authenticator = { authenticate: async () => Promise.reject(new GatehouseError("TOKEN_REVOKED")) };
    const { reason, drafts } = await whoIs(["Bearer good"], { authenticator });
    expect(reason).toBe("CREDENTIAL_INVALID");
    expect(drafts).toMatchObject([{ reason: "TOKEN_REVOKED" }]);
  });

  it("AZ-04 that cannot be checked is no refusal of the caller: the failure is passed on", async () => {
    const authenticator = { authenticate: async () => Promise.reject(new GatehouseError("DATABASE_UNAVAILABLE")) };
    const { reason, seen } = await whoIs(["Bearer good"], { authenticator });
    expect({ reason, seen }).toEqual({ reason: "DATABASE_UNAVAILABLE", seen: undefined });
  });

  it("RPC-09 that makes the check fall over is INTERNAL, and nobody gets in", async () => {
    const authenticator = {
      authenticate: () => {
        throw new TypeError("cannot read properties of undefined");
      },
    };
    const { reason, seen } = await whoIs(["Bearer good"], { authenticator });
    expect({ reason, seen }).toEqual({ reason: "INTERNAL", seen: undefined });
  });

  it("is judged by the time of the call", async () => {
    let asked: Date | undefined;
    const authenticator = {
      authenticate: (_token: string, now: Date) => {
        asked = now;
        return principalOf();
      },
    };
    await whoIs(["Bearer good"], { authenticator });
    expect(asked).toEqual(noon);
  });
});

describe("a public method", () => {
  it("AZ-04 looks at no credential, so that a bad one neither helps nor hurts", async () => {
    let seen: unknown = "not called";
    const chain = createFakeChain({
      script: {
        "TokenService/GetJwks": async (_request, call) => {
          seen = call.principal;
          return {};
        },
      },
    });
    const reply = await callThrough(
      chain,
      TokenService.method.getJwks,
      {},
      incomingOf({ metadata: { authorization: ["Bearer rubbish"] } }),
    );
    expect("answer" in reply).toBe(true);
    expect(seen).toBeUndefined();
  });
});
