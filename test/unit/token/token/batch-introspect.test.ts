// BatchIntrospect: each token for itself, in order, with the bytes that Introspect gives.
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  BatchIntrospectRequestSchema,
  BatchIntrospectResponseSchema,
  IntrospectRequestSchema,
  IntrospectResponseSchema,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import { type Call, EncodedAnswer } from "../../../../src/kernel/handler.ts";
import { createMessageValidator } from "../../../../src/rpc/validation.ts";
import { createBatchIntrospect } from "../../../../src/token/token/batch-introspect.ts";
import { allow, principalOf } from "../../../fakes/principal.ts";
import { signAnything } from "../../../fakes/token-signer.ts";
import { createTokenWorld, standingOf, type TokenWorld } from "../../../fakes/token-world.ts";
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

async function ask(world: TokenWorld, request: { tokens: string[]; audience?: string }, call = callOf(world)) {
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
    await expect(createBatchIntrospect({ introspect })(request, callOf(createWorld()))).rejects.toMatchObject({
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
