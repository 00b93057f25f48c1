// Budgets of calls through the chain: which bucket a call draws on, what a refusal says, and that no road leads around them.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import type { Rates } from "../../../../src/rpc/limits/settings.ts";
import { callThrough, createFakeChain, incomingOf, noon } from "../../../fakes/chain.ts";
import { alice, bob, principalOf } from "../../../fakes/principal.ts";
import { readStatus } from "../../../fakes/status.ts";

const off: Rates = { login: "off", tokenCheck: "off", read: "off", write: "off" };
const three = { count: 3, perMs: 60_000 };
const { login, whoAmI } = AuthService.method;
const { batchIntrospect, getJwks, introspect, refresh } = TokenService.method;

function start(rates: Partial<Rates>) {
  let at = noon.getTime();
  const chain = createFakeChain({
    rates: { ...off, ...rates },
    clock: { now: () => new Date(at) },
    tokens: { alice: principalOf({ id: alice }), bob: principalOf({ id: bob }), dead: "TOKEN_REVOKED" },
  });
  const call = async (
    method: typeof batchIntrospect | typeof introspect | typeof getJwks | typeof refresh | typeof login | typeof whoAmI,
    options: { authorization?: string | readonly string[]; address?: string; request?: object } = {},
  ) => {
    const { authorization, address, request = {} } = options;
    const values = typeof authorization === "string" ? [authorization] : authorization;
    const incoming = incomingOf({
      ...(address === undefined ? {} : { address }),
      metadata: values === undefined ? {} : { authorization: values },
    });
    const reply = await callThrough(chain, method, request as never, incoming);
    return "answer" in reply
      ? { reason: "OK", failure: undefined }
      : { ...readStatus(reply.failure.status), failure: reply.failure };
  };
  const reasons = async (times: number, ...args: Parameters<typeof call>) => {
    const seen: string[] = [];
    for (let n = 0; n < times; n++) {
      const outcome = await call(...args);
      seen.push("info" in outcome ? (outcome.info?.reason ?? "") : outcome.reason);
    }
    return seen;
  };
  return {
    ...chain,
    call,
    reasons,
    pass: (ms: number) => {
      at += ms;
    },
  };
}

const refused = "RATE_LIMITED";

describe("callers without a credential", () => {
  it("RPC-11 share the budget of their address", async () => {
    const { reasons } = start({ read: three });
    expect(await reasons(4, getJwks)).toEqual(["OK", "OK", "OK", refused]);
    expect(await reasons(1, getJwks, { address: "192.0.2.2" })).toEqual(["OK"]);
  });

  it("CVE-2026-45364 share it across a /64, however the address is written", async () => {
    const { reasons } = start({ read: three });
    await reasons(1, getJwks, { address: "2001:db8::1" });
    await reasons(1, getJwks, { address: "2001:DB8:0:0:ffff::2" });
    await reasons(1, getJwks, { address: "2001:0db8:0000:0000:0000:0000:0000:0003" });
    expect(await reasons(1, getJwks, { address: "2001:db8::abcd" })).toEqual([refused]);
    expect(await reasons(1, getJwks, { address: "2001:db8:0:1::1" })).toEqual(["OK"]);
  });

  it("PWD-13 get no new budget by the addresses that they claim", async () => {
    const chain = createFakeChain({ rates: { ...off, read: three } });
    const forged = ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip"];
    const seen: string[] = [];
    for (let n = 0; n < 5; n++) {
      const metadata = Object.fromEntries(forged.map((key) => [key, [`for=203.0.113.${n}`]]));
      const reply = await callThrough(chain, getJwks, {}, incomingOf({ metadata }));
      seen.push("answer" in reply ? "OK" : refused);
    }
    expect(seen).toEqual(["OK", "OK", "OK", refused, refused]);
  });

  it("get no way around it by sending a credential that a public method does not look at", async () => {
    const { reasons } = start({ read: three });
    expect(await reasons(5, getJwks, { authorization: "Bearer rubbish" })).toEqual([
      "OK",
      "OK",
      "OK",
      refused,
      refused,
    ]);
    expect(await reasons(1, getJwks, { authorization: "Bearer alice" })).toEqual([refused]);
  });
});

describe("callers with a dead or forged credential", () => {
  it.each(["Bearer forged", "Bearer dead", "Basic x", ""])(
    "RPC-11 count by their address: %j",
    async (authorization) => {
      const { reasons, recorder } = start({ tokenCheck: three });
      const invalid = "CREDENTIAL_INVALID";
      expect(await reasons(6, whoAmI, { authorization })).toEqual([
        invalid,
        invalid,
        invalid,
        refused,
        refused,
        refused,
      ]);
      expect(recorder.drafts.map(({ reason }) => reason).slice(3)).toEqual(["RATE_LIMITED_FIRST"]);
    },
  );

  it("do not take the budget of live principals behind the same address", async () => {
    const { reasons } = start({ tokenCheck: three });
    await reasons(10, whoAmI, { authorization: "Bearer forged" });
    expect(await reasons(3, whoAmI, { authorization: "Bearer alice" })).toEqual(["OK", "OK", "OK"]);
  });
});

describe("callers with a live credential", () => {
  it("RPC-11 have a budget each, wherever they come from", async () => {
    const { reasons } = start({ tokenCheck: three });
    const seen: string[] = [];
    for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"])
      seen.push(...(await reasons(1, whoAmI, { authorization: "Bearer alice", address })));
    expect(seen).toEqual(["OK", "OK", "OK", refused]);
    expect(await reasons(1, whoAmI, { authorization: "Bearer bob" })).toEqual(["OK"]);
  });

  it("get their calls back with time, at the pace of the limit", async () => {
    const { reasons, pass } = start({ tokenCheck: three });
    await reasons(3, whoAmI, { authorization: "Bearer alice" });
    pass(20_000);
    expect(await reasons(2, whoAmI, { authorization: "Bearer alice" })).toEqual(["OK", refused]);
  });
});

describe("RPC-11 a batch", () => {
  const of = (count: number) => ({ authorization: "Bearer alice", request: { tokens: Array(count).fill("t") } });
  const ten = { count: 10, perMs: 60_000 };

  it("counts as many calls as it has items, all of them or none, and other calls count with it", async () => {
    const { reasons } = start({ tokenCheck: ten });
    expect(await reasons(2, batchIntrospect, of(4))).toEqual(["OK", "OK"]);
    expect(await reasons(1, batchIntrospect, of(3))).toEqual([refused]);
    expect(await reasons(2, introspect, { authorization: "Bearer alice", request: { token: "t" } })).toEqual([
      "OK",
      refused,
    ]);
    expect(await reasons(1, batchIntrospect, { ...of(4), authorization: "Bearer bob" })).toEqual(["OK"]);
  });

  it("says how long to wait for all of it", async () => {
    const { call, reasons, pass } = start({ tokenCheck: ten });
    await reasons(2, batchIntrospect, of(4));
    const { failure } = await call(batchIntrospect, of(5));
    expect(failure?.retryAfterMs).toBe(18_000);
    pass(18_000);
    expect(await reasons(1, batchIntrospect, of(4))).toEqual(["OK"]);
  });

  it("that is larger than the budget costs the whole of it, or it could never be had", async () => {
    const { reasons, pass } = start({ tokenCheck: ten });
    expect(await reasons(1, batchIntrospect, of(100))).toEqual(["OK"]);
    expect(await reasons(1, introspect, { authorization: "Bearer alice", request: { token: "t" } })).toEqual([refused]);
    pass(60_000);
    expect(await reasons(1, batchIntrospect, of(100))).toEqual(["OK"]);
  });

  it("that is no valid request costs one call", async () => {
    const { reasons } = start({ tokenCheck: three });
    expect(await reasons(1, batchIntrospect, of(101))).toEqual(["REQUEST_INVALID"]);
    expect(await reasons(1, batchIntrospect, of(2))).toEqual(["OK"]);
  });

  it("that is refused is recorded once until one is let in again", async () => {
    const { reasons, recorder, pass } = start({ tokenCheck: ten });
    await reasons(1, batchIntrospect, of(8));
    await reasons(2, batchIntrospect, of(9));
    expect(recorder.drafts.map(({ reason }) => reason)).toEqual(["RATE_LIMITED_FIRST"]);
    pass(60_000);
    expect(await reasons(1, batchIntrospect, of(9))).toEqual(["OK"]);
    expect(recorder.drafts).toHaveLength(1);
    await reasons(5, batchIntrospect, of(5));
    expect(recorder.drafts.map(({ reason }) => reason)).toEqual(["RATE_LIMITED_FIRST", "RATE_LIMITED_FIRST"]);
  });
});

describe("guesses at an account", () => {
  const guess = (loginName: string) => ({ loginName, password: "guess" });

  it("PWD-12 count together wherever they come from", async () => {
    const { reasons } = start({ login: three });
    const seen: string[] = [];
    for (let n = 0; n < 5; n++)
      seen.push(...(await reasons(1, login, { address: `192.0.2.${n}`, request: guess("eve") })));
    expect(seen).toEqual(["OK", "OK", "OK", refused, refused]);
    expect(await reasons(1, login, { request: guess("other") })).toEqual(["OK"]);
  });

  it.each(["EVE", "Eve", "ｅｖｅ", "eⅤe"])(
    "PWD-12 are guesses at the same account when it is spelt %s",
    async (spelling) => {
      const { reasons } = start({ login: three });
      await reasons(3, login, { request: guess("eve") });
      expect(await reasons(1, login, { request: guess(spelling) })).toEqual([refused]);
    },
  );

  it("PWD-12 AZ-09 at many accounts from one address are cut off too, credential or not", async () => {
    const { reasons } = start({ login: three });
    const seen: string[] = [];
    for (let n = 0; n < 40; n++)
      seen.push(...(await reasons(1, login, { authorization: "Bearer x", request: guess(`user-${n}`) })));
    expect(seen.filter((reason) => reason === "OK")).toHaveLength(30);
    expect(seen.slice(30)).toEqual(Array.from({ length: 10 }, () => refused));
  });

  it("that are no valid request do not count against the account", async () => {
    const { reasons } = start({ login: three });
    await reasons(5, login, { request: { loginName: "eve", password: "" } });
    expect(await reasons(1, login, { request: guess("eve") })).toEqual(["OK"]);
  });
});

describe("a refusal", () => {
  it("RPC-11 says which limit, how much it is and when to come back, in details and in metadata", async () => {
    const { call, pass } = start({ read: three });
    for (let n = 0; n < 3; n++) await call(getJwks);
    pass(500);
    const outcome = await call(getJwks);
    if (outcome.failure === undefined) throw new Error("the call was let in");
    expect(outcome).toMatchObject({
      code: 8,
      info: { reason: refused, metadata: { limit: "read" } },
      retryInfo: { retryDelay: { seconds: 19n, nanos: 500_000_000 } },
      quotaFailure: { violations: [{ subject: "read" }] },
    });
    expect(outcome.failure.metadata).toEqual({
      "grpc-retry-pushback-ms": "19500",
      "x-ratelimit-limit": "3",
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": "20",
    });
  });

  it("is recorded once until the caller is let in again: a flood is no flood of records", async () => {
    const { reasons, recorder, pass } = start({ tokenCheck: three });
    await reasons(50, refresh, { request: { refreshToken: "x" } });
    expect(recorder.drafts.map(({ reason }) => reason)).toEqual(["RATE_LIMITED_FIRST"]);
    pass(20_000);
    await reasons(10, refresh, { request: { refreshToken: "x" } });
    expect(recorder.drafts.map(({ reason }) => reason)).toEqual(["RATE_LIMITED_FIRST", "RATE_LIMITED_FIRST"]);
    expect(recorder.drafts[0]).toMatchObject({
      category: "POLICY_DENIED",
      grpcCode: 8,
      details: { code: "SEC-CORE-008" },
    });
  });
});

describe("limits", () => {
  it("that are off limit nothing", async () => {
    const { reasons } = start({});
    expect(new Set(await reasons(200, getJwks))).toEqual(new Set(["OK"]));
  });
});
