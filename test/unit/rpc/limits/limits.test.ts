// Which budgets a method draws on: its class, a setting of its own, together with other replicas or apart, in earnest or not.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import { StartRefused } from "../../../../src/kernel/start-refused.ts";
import { createLedger } from "../../../../src/observability/metrics/ledger.ts";
import { limitClasses, limitedNames } from "../../../../src/rpc/limits/classes.ts";
import { type LimitSettings, noExtras } from "../../../../src/rpc/limits/settings.ts";
import { callThrough, createFakeChain, incomingOf, noon } from "../../../fakes/chain.ts";
import { createFakeLimitStore } from "../../../fakes/limit-store.ts";
import { noRates } from "../../../fakes/limits.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";
import { readStatus } from "../../../fakes/status.ts";

const { login, whoAmI } = AuthService.method;
const { getJwks, refresh } = TokenService.method;
const three = { count: 3, perMs: 60_000 };
const guess = { loginName: "eve", password: "guess" };

function start(settings: Partial<LimitSettings> = {}, store = createFakeLimitStore()) {
  const ledger = createLedger();
  let at = noon.getTime();
  const fake = createFakeChain({
    rates: { ...noRates, ...settings.rates },
    limiting: { settings, store },
    metrics: ledger,
    tokens: { alice: principalOf({ id: alice }) },
    clock: { now: () => new Date(at) },
  });
  const call = async (
    method: typeof login | typeof whoAmI | typeof getJwks | typeof refresh,
    request: object = {},
    options: Parameters<typeof incomingOf>[0] = {},
  ) => {
    const reply = await callThrough(fake, method, request as never, incomingOf(options));
    return "answer" in reply ? "OK" : (readStatus(reply.failure.status).info?.reason ?? "");
  };
  const reasons = async (times: number, ...args: Parameters<typeof call>) => {
    const seen: string[] = [];
    for (let n = 0; n < times; n++) seen.push(await call(...args));
    return seen.join(" ");
  };
  const metric = (name: string, limit: string) =>
    ledger
      .read()
      .flatMap((one) => (one.name === name && one.kind === "counter" ? one.series : []))
      .find(({ labels }) => labels.limit === limit)?.value ?? 0;
  const pass = (ms: number) => {
    at += ms;
  };
  return { ...fake, store, call, reasons, metric, pass };
}

const asAlice = { metadata: { authorization: ["Bearer alice"] } };

describe("the table of classes", () => {
  it("counts guesses together and closes them without a store, and nothing else", () => {
    expect(limitClasses).toEqual({
      login: { counted: "shared", withoutStore: "closed", callersBehindAddress: 10 },
      tokenCheck: { counted: "process", withoutStore: "open", callersBehindAddress: 1 },
      read: { counted: "process", withoutStore: "open", callersBehindAddress: 1 },
      write: { counted: "process", withoutStore: "open", callersBehindAddress: 1 },
    });
  });

  it.each(limitedNames)(
    "RPC-11 T-02 %s refuses the call after the last of its budget, and lets in again with time",
    async (name) => {
      const { reasons, pass, store } = start({ rates: { ...noRates, [name]: three } });
      const calls = {
        login: [login, guess],
        tokenCheck: [whoAmI, {}, asAlice],
        read: [getJwks],
        write: [AuthService.method.logout, {}, asAlice],
      } as const;
      const [method, request, options] = calls[name] as unknown as [typeof login, object, object];
      expect(await reasons(5, method, request, options)).toBe("OK OK OK RATE_LIMITED RATE_LIMITED");
      pass(20_000);
      expect(await reasons(2, method, request, options)).toBe("OK RATE_LIMITED");
      expect(store.asked > 0).toBe(limitClasses[name].counted === "shared");
    },
  );
});

describe("replicas", () => {
  it("RPC-11 share the budget of guesses", async () => {
    const counts = new Map();
    const rates = { ...noRates, login: three };
    const one = start({ rates }, createFakeLimitStore(counts));
    const other = start({ rates }, createFakeLimitStore(counts));
    expect(await one.reasons(2, login, guess)).toBe("OK OK");
    expect(await other.reasons(2, login, guess)).toBe("OK RATE_LIMITED");
    expect(await one.reasons(1, login, guess)).toBe("RATE_LIMITED");
  });

  it("T-02 share what the settings say that they share", async () => {
    const counts = new Map();
    const settings = { rates: { ...noRates, read: three }, shared: new Set(["read"] as const) };
    const one = start(settings, createFakeLimitStore(counts));
    const other = start(settings, createFakeLimitStore(counts));
    expect(await one.reasons(3, getJwks)).toBe("OK OK OK");
    expect(await other.reasons(1, getJwks)).toBe("RATE_LIMITED");
  });
});

describe("without the store", () => {
  it("RPC-11 nobody logs in, is told when to come back, and nothing is hashed or recorded", async () => {
    const { call, store, recorder, chain, table } = start({ rates: { ...noRates, login: three } });
    store.away = true;
    expect(await call(login, guess)).toBe("LIMITS_UNAVAILABLE");
    const entry = table.get("/gatehouse.auth.v1.AuthService/Login");
    const reply = await chain.unary(entry!, incomingOf(), new Uint8Array());
    if (!("failure" in reply)) throw new Error("the call was let in");
    expect(readStatus(reply.failure.status)).toMatchObject({ code: 14, retryInfo: { retryDelay: { seconds: 1n } } });
    expect(reply.failure.metadata).toMatchObject({ "grpc-retry-pushback-ms": "1000" });
    expect(recorder.drafts).toEqual([]);
  });

  it("RPC-11 reads go on, limited by what this process counts, also when they are counted together", async () => {
    const { reasons, store } = start({
      rates: { ...noRates, read: three, tokenCheck: three },
      shared: new Set(["read"] as const),
    });
    store.away = true;
    expect(await reasons(4, getJwks)).toBe("OK OK OK RATE_LIMITED");
    expect(await reasons(4, whoAmI, {}, asAlice)).toBe("OK OK OK RATE_LIMITED");
  });
});

describe("a method with a budget of its own", () => {
  it.each(["TokenService/Refresh", "gatehouse.token.v1.TokenService/Refresh"])(
    "%s draws on that alone",
    async (name) => {
      const { reasons } = start({
        rates: { ...noRates, tokenCheck: three },
        overrides: new Map([[name, { count: 1, perMs: 1_000 }]]),
      });
      expect(await reasons(2, refresh, { refreshToken: "x" })).toBe("OK RATE_LIMITED");
      expect(await reasons(4, whoAmI, {}, asAlice)).toBe("OK OK OK RATE_LIMITED");
    },
  );

  it("may have none at all", async () => {
    const overrides = new Map([["TokenService/GetJwks", "off" as const]]);
    const { reasons } = start({ rates: { ...noRates, read: three }, overrides });
    expect(new Set((await reasons(20, getJwks)).split(" "))).toEqual(new Set(["OK"]));
  });

  it.each([
    ["TokenService/Nothing", "no method"],
    ["Refresh/TokenService", "no method"],
    ["gatehouse.token.v2.TokenService/Refresh", "no method"],
  ])("that is not served stops the start: %s", (name, fault) => {
    expect(() => start({ overrides: new Map([[name, three]]) })).toThrow(StartRefused);
    expect(() => start({ overrides: new Map([[name, three]]) })).toThrow(`GATEHOUSE_LIMIT_OVERRIDES names ${fault}`);
  });
});

describe("shadow mode", () => {
  it("refuses nobody, counts whom it would have refused, and says so once until they are let in", async () => {
    const { reasons, metric, logger } = start({
      rates: { ...noRates, read: three },
      shadow: new Set(["read"] as const),
    });
    expect(new Set((await reasons(10, getJwks)).split(" "))).toEqual(new Set(["OK"]));
    expect(metric("gatehouse_limit_shadow_total", "read")).toBe(7);
    expect(metric("gatehouse_limit_over_total", "read")).toBe(0);
    const told = logger.lines.filter(({ message }) => message === "over a limit in shadow mode");
    expect(told.map(({ fields }) => fields)).toEqual([
      { limit: "read", method: "gatehouse.token.v1.TokenService/GetJwks" },
    ]);
  });
});

describe("metrics", () => {
  it("tell of callers near their limit, and of those over it", async () => {
    const { reasons, metric } = start({ rates: { ...noRates, read: { count: 10, perMs: 60_000 } } });
    await reasons(8, getJwks);
    expect(metric("gatehouse_limit_near_total", "read")).toBe(0);
    await reasons(4, getJwks);
    expect(metric("gatehouse_limit_near_total", "read")).toBe(2);
    expect(metric("gatehouse_limit_over_total", "read")).toBe(2);
  });
});

describe("exempt networks", () => {
  const exempt = (address: string) => address === "192.0.2.1";

  it("have no budget by address; accounts keep theirs", async () => {
    const { reasons } = start({ rates: { ...noRates, read: three, login: three }, exempt });
    expect(await reasons(5, getJwks)).toBe("OK OK OK OK OK");
    expect(await reasons(4, login, guess)).toBe("OK OK OK RATE_LIMITED");
    expect(await reasons(4, getJwks, {}, { address: "192.0.2.2" })).toBe("OK OK OK RATE_LIMITED");
  });
});

describe("new settings while the server runs", () => {
  const withRead = (count: number): LimitSettings => ({
    ...noExtras,
    rates: { ...noRates, read: { count, perMs: 60_000 } },
  });

  it("are in force at once, and the share of the budget that is used up stays used up", async () => {
    const { reasons, limits } = start(withRead(4));
    expect(await reasons(2, getJwks)).toBe("OK OK");
    limits.update(withRead(2), noon);
    expect(await reasons(2, getJwks)).toBe("OK RATE_LIMITED");
    limits.update(withRead(80), noon);
    expect(await reasons(1, getJwks)).toBe("RATE_LIMITED");
    limits.update({ ...noExtras, rates: noRates }, noon);
    expect(await reasons(3, getJwks)).toBe("OK OK OK");
  });

  it.each(["read", "login"] as const)(
    "let in whoever was over a slow limit of class %s as soon as the fast one does",
    async (name) => {
      const withRate = (count: number, perMs: number): LimitSettings => ({
        ...noExtras,
        rates: { ...noRates, [name]: { count, perMs } },
      });
      const { call, limits, pass } = start(withRate(1, 3_600_000));
      // Guesses at one account, or reads from one address.
      const again = () => (name === "read" ? call(getJwks) : call(login, guess));
      expect([await again(), await again()]).toEqual(["OK", "RATE_LIMITED"]);
      limits.update(withRate(1_000, 1_000), noon);
      expect(await again()).toBe("RATE_LIMITED");
      pass(1);
      expect(await again()).toBe("OK");
      limits.update(withRate(1, 3_600_000), new Date(noon.getTime() + 1));
      expect(await again()).toBe("RATE_LIMITED");
    },
  );

  it("that name an unknown method are refused before anything changes", async () => {
    const { reasons, limits } = start(withRead(1));
    expect(() => limits.check({ ...withRead(9), overrides: new Map([["No/Method", three]]) })).toThrow(StartRefused);
    expect(await reasons(2, getJwks)).toBe("OK RATE_LIMITED");
  });
});

describe("every answer of a limited method", () => {
  async function metadataOf(fake: ReturnType<typeof start>, method: typeof login, request: object, options = {}) {
    const entry = fake.table.get(`/${method.parent.typeName}/${method.name}`)!;
    const { create, toBinary } = await import("@bufbuild/protobuf");
    const body = toBinary(method.input, create(method.input, request as never));
    const reply = await fake.chain.unary(entry, incomingOf(options), body);
    const { metadata } = "failure" in reply ? reply.failure : reply;
    return Object.fromEntries(Object.entries(metadata ?? {}).filter(([key]) => key.startsWith("x-ratelimit-")));
  }
  const said = (limit: number, remaining: number, reset: number) => ({
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": String(reset),
  });
  const rates = { login: three, tokenCheck: three, read: three, write: three };

  it("T-02 says what is left: success, refusal by policy, dead credential, wrong request, late call", async () => {
    const of = (method: unknown, request: object = {}, options = {}) =>
      metadataOf(start({ rates }), method as typeof login, request, options);
    expect(await of(getJwks)).toEqual(said(3, 2, 20));
    expect(await of(whoAmI, {}, asAlice)).toEqual(said(3, 2, 20));
    expect(await of(whoAmI)).toEqual(said(3, 2, 20));
    expect(await of(whoAmI, {}, { metadata: { authorization: ["Bearer dead"] } })).toEqual(said(3, 2, 20));
    expect(await of(TokenService.method.introspect, { token: "x" }, asAlice)).toEqual(said(3, 2, 20));
    expect(await of(refresh, { refreshToken: "" })).toEqual(said(3, 2, 20));
    expect(await of(whoAmI, {}, { ...asAlice, deadline: noon.getTime() - 1 })).toEqual(said(3, 3, 0));
  });

  it("T-02 speaks of the budget that has least left", async () => {
    const fake = start({ rates });
    expect(await metadataOf(fake, login, guess)).toEqual(said(3, 2, 20));
    expect(await metadataOf(fake, login, guess)).toEqual(said(3, 1, 40));
    expect(await metadataOf(fake, login, { ...guess, loginName: "other" })).toEqual(said(3, 2, 20));
  });

  it("without a limit says nothing of one", async () => {
    expect(await metadataOf(start(), getJwks as never, {})).toEqual({});
  });
});
