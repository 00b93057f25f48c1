// BatchIntrospect: each token for itself, in order, with the bytes that Introspect gives.
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  BatchIntrospectRequestSchema,
  BatchIntrospectResponseSchema,
  Consistency,
  IntrospectRequestSchema,
  IntrospectResponseSchema,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import type { Reader } from "../../../../src/kernel/database.ts";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import { type Call, EncodedAnswer } from "../../../../src/kernel/handler.ts";
import { createMessageValidator } from "../../../../src/rpc/validation.ts";
import { createRefreshTokens } from "../../../../src/token/refresh-tokens.ts";
import { createBatchIntrospect } from "../../../../src/token/token/batch-introspect.ts";
import { countingMetrics } from "../../../fakes/counting-metrics.ts";
import { allow, principalOf } from "../../../fakes/principal.ts";
import { signAnything } from "../../../fakes/token-signer.ts";
import { createTestMacs, createTokenWorld, standingOf, type TokenWorld } from "../../../fakes/token-world.ts";
import { alice, bob, goodHeader, goodPayload, tokenId } from "../claims.ts";

const knowing = [allow("token.introspect", "tokens"), allow("token.introspect.reason", "tokens")];

function createWorld(): TokenWorld {
  const world = createTokenWorld();
  world.standings.set(standingOf(alice));
  return world;
}

const signed = (world: TokenWorld, more: Record<string, unknown> = {}) =>
  signAnything(world.signer, goodHeader(world), { ...goodPayload(world), ...more });

function callOf(world: TokenWorld, principalId = bob, grants = knowing): Call {
  return world.call({ principal: principalOf({ id: principalId }), grants });
}

async function ask(
  world: TokenWorld,
  request: { tokens: string[]; audience?: string; consistency?: Consistency },
  call = callOf(world),
) {
  const answer = await world.handler("batchIntrospect")(create(BatchIntrospectRequestSchema, request), call);
  if (!(answer instanceof EncodedAnswer)) throw new TypeError("not serialised");
  return fromBinary(BatchIntrospectResponseSchema, answer.bytes).results;
}

describe("BatchIntrospect", () => {
  it("M-02 says of each token what Introspect says of it, in the order of the request", async () => {
    const world = createWorld();
    const [one, other] = [await signed(world), await signed(world, { scope: "secrets.read" })];
    const expired = await signed(world, { exp: goodPayload(world).iat });
    const tokens = [other, "junk", one, expired, one];
    const single = async (token: string) => {
      const answer = await world.handler("introspect")(create(IntrospectRequestSchema, { token }), callOf(world));
      return answer instanceof EncodedAnswer ? fromBinary(IntrospectResponseSchema, answer.bytes) : answer;
    };
    const results = await ask(world, { tokens });
    expect(results).toEqual(await Promise.all(tokens.map(single)));
    expect(results.map(({ active }) => active)).toEqual([true, false, true, false, true]);
    expect(results.map(({ reason }) => reason)).toEqual(["", "TOKEN_MALFORMED", "", "TOKEN_EXPIRED", ""]);
  });

  it("answers at once when every token is in memory, and with the bytes that lie there", async () => {
    const world = createWorld();
    const tokens = [await signed(world), await signed(world, { scope: "secrets.read" })];
    await ask(world, { tokens });
    const request = create(BatchIntrospectRequestSchema, { tokens });
    const answer = world.handler("batchIntrospect")(request, callOf(world));
    expect(answer).toBeInstanceOf(EncodedAnswer);
  });

  it("TOK-16 what is dead is one empty result, whatever is wrong with it, for who may not know more", async () => {
    const world = createWorld();
    world.feed({ kind: "token", key: tokenId, expiresAt: new Date(world.time.now.getTime() + 60_000) });
    const jti = "01890000-0000-7000-8000-0000000000cc";
    const good = await signed(world, { jti });
    const tokens = [await signed(world), "junk", await signed(world, { jti, exp: goodPayload(world).iat }), good];
    const asking = callOf(world, bob, [allow("token.introspect", "tokens")]);
    const results = await ask(world, { tokens, audience: "elsewhere" }, asking);
    for (const result of results) expect(result).toEqual(create(IntrospectResponseSchema));
    expect(results).toHaveLength(4);
  });

  it("TOK-15 a caller without the permission learns of its own tokens alone", async () => {
    const world = createWorld();
    world.standings.set(standingOf(bob));
    const tokens = [await signed(world), await signed(world, { sub: `prn_${bob}` })];
    const results = await ask(world, { tokens }, callOf(world, alice, []));
    expect(results.map(({ active }) => active)).toEqual([true, false]);
  });

  it("fails as a whole when nobody can say, and not as if the token were dead", async () => {
    const introspect = async () => {
      throw new GatehouseError("DATABASE_UNAVAILABLE");
    };
    const request = create(BatchIntrospectRequestSchema, { tokens: ["a", "b"] });
    const nobody = () => Promise.reject(new Error("not asked"));
    const deps = {
      introspect,
      introspectBy: () => introspect,
      verifier: { known: () => undefined, verify: nobody, forgetKey: () => {}, sweep: () => {} },
      liveness: { check: nobody, checkStrongly: nobody, checkAllStrongly: nobody },
      refreshIntrospection: { read: nobody, readAll: nobody },
    };
    await expect(createBatchIntrospect(deps)(request, callOf(createWorld()))).rejects.toMatchObject({
      reason: "DATABASE_UNAVAILABLE",
    });
  });

  it("JWT-22 is bounded in number and in the length of each", async () => {
    const check = createMessageValidator().checkOf(BatchIntrospectRequestSchema);
    const faultsOf = (tokens: string[]) => check(create(BatchIntrospectRequestSchema, { tokens }));
    expect(faultsOf(Array.from({ length: 100 }, () => "x"))).toEqual([]);
    for (const tokens of [[], [""], Array.from({ length: 101 }, () => "x"), ["x".repeat(16_385)]])
      expect(faultsOf(tokens)).toHaveLength(1);
  });
});

describe("STRONG BatchIntrospect", () => {
  function strongWorld(dead: readonly number[] | Error) {
    const asked: string[] = [];
    const reader: Reader = {
      async rows({ name }) {
        asked.push(name);
        if (dead instanceof Error) throw dead;
        return name === "token.access_state" ? ([{ dead }] as never) : [];
      },
    };
    const metrics = countingMetrics();
    const macs = createTestMacs();
    const world = { ...createTokenWorld({ reader, metrics, macs }), macs };
    world.standings.set(standingOf(alice));
    return { world, asked, metrics };
  }
  const consistency = Consistency.STRONG;
  const uuidOf = (at: number) => `01890000-0000-7000-8000-0000000001${String(at).padStart(2, "0")}`;
  const other = "01890000-0000-7000-8000-0000000000cc";

  it("JWT-22 asks the database once for all of them, new and known, and judges each for itself", async () => {
    const { world, asked } = strongWorld([1]);
    const [one, two] = [await signed(world), await signed(world, { jti: other })];
    const expired = await signed(world, { exp: goodPayload(world).iat });
    const broken = `${one.slice(0, -6)}AAAAAA`;
    await ask(world, { tokens: [one] });
    const results = await ask(world, { tokens: [one, "junk", two, broken, one, expired], consistency });
    expect(results.map(({ active, reason }) => (active ? "active" : reason))).toEqual([
      "active",
      "TOKEN_MALFORMED",
      "TOKEN_REVOKED",
      "TOKEN_SIGNATURE_INVALID",
      "active",
      "TOKEN_EXPIRED",
    ]);
    expect(asked).toEqual(["token.access_state"]);
    expect(results[0]).toEqual((await ask(world, { tokens: [one] }))[0]);
  });

  it("verifies each token once, however often it is named", async () => {
    const { world, metrics } = strongWorld([]);
    const broken = `${(await signed(world)).slice(0, -6)}AAAAAA`;
    expect(await ask(world, { tokens: Array(5).fill(broken), consistency })).toHaveLength(5);
    expect(metrics.read("gatehouse_token_signature_failures_total")).toEqual({ "": 1 });
  });

  it("asks nobody when there is nothing to ask about, and reads a refresh token as ever", async () => {
    const { world, asked } = strongWorld([]);
    expect((await ask(world, { tokens: ["junk"], consistency }))[0]?.reason).toBe("TOKEN_MALFORMED");
    expect(asked).toEqual([]);
    await ask(world, { tokens: [`ghr_${"A".repeat(72)}`], consistency });
    expect(asked).not.toContain("token.access_state");
  });

  it("reads refresh tokens by one statement, STRONG or not", async () => {
    const { world, asked } = strongWorld([]);
    const tokens = Array.from(
      { length: 20 },
      (_, at) => createRefreshTokens(world.macs).write({ sessionId: uuidOf(at), number: 1 }).text,
    );
    for (const consistency of [Consistency.STRONG, Consistency.UNSPECIFIED]) {
      const results = await ask(world, { tokens: [...tokens, `ghr_${"A".repeat(72)}`, tokens[0] ?? ""], consistency });
      expect(results.map(({ reason }) => reason)).toEqual([
        ...Array(20).fill("TOKEN_REVOKED"),
        "TOKEN_MALFORMED",
        "TOKEN_REVOKED",
      ]);
    }
    expect(asked).toEqual(["token.sessions_find", "token.sessions_find"]);
  });

  it("fails as a whole when the database does not answer", async () => {
    const { world } = strongWorld(new GatehouseError("DATABASE_UNAVAILABLE"));
    await expect(ask(world, { tokens: ["junk", await signed(world)], consistency })).rejects.toMatchObject({
      reason: "DATABASE_UNAVAILABLE",
    });
  });

  it("TOK-15 says nothing of another's token to who may not know", async () => {
    const { world } = strongWorld([]);
    const results = await ask(world, { tokens: [await signed(world)], consistency }, callOf(world, bob, []));
    expect(results).toEqual([create(IntrospectResponseSchema)]);
  });
});
