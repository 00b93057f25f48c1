// Introspect: what is said of a token, to whom, and that a dead one is dead in every way alike.
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  Consistency,
  IntrospectRequestSchema,
  type IntrospectResponse,
  IntrospectResponseSchema,
  TokenKind,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import type { Reader } from "../../../../src/kernel/database.ts";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import { EncodedAnswer } from "../../../../src/kernel/handler.ts";
import type { Grant, Principal } from "../../../../src/kernel/principal.ts";
import { allow, deny, principalOf } from "../../../fakes/principal.ts";
import { createTestSigner, signAnything } from "../../../fakes/token-signer.ts";
import { createTokenWorld, standingOf, type TokenWorld } from "../../../fakes/token-world.ts";
import { alice, bob, goodHeader, goodPayload, session, tokenId } from "../claims.ts";
import { hostileTokens } from "../hostile-tokens.ts";

const introspector = [allow("token.introspect", "tokens")];
const knowing = [...introspector, allow("token.introspect.reason", "tokens")];
const asAlice = principalOf({ id: alice });
const asBob = principalOf({ id: bob });

function createWorld(options: Parameters<typeof createTokenWorld>[0] = {}): TokenWorld {
  const world = createTokenWorld({ ...options, settings: { defaultAudience: "shop", ...options.settings } });
  world.standings.set(standingOf(alice));
  return world;
}

const signed = (world: TokenWorld, more: Record<string, unknown> = {}) =>
  signAnything(world.signer, goodHeader(world), { ...goodPayload(world), ...more });

interface Asking {
  readonly as?: Principal;
  readonly grants?: readonly Grant[];
  readonly audience?: string;
  readonly consistency?: Consistency;
}

async function bytesOf(world: TokenWorld, token: string, asking: Asking = {}): Promise<Uint8Array> {
  const { as = asBob, grants = introspector, audience = "", consistency = Consistency.UNSPECIFIED } = asking;
  const request = create(IntrospectRequestSchema, { token, audience, consistency });
  const answer = await world.handler("introspect")(request, world.call({ principal: as, grants }));
  if (!(answer instanceof EncodedAnswer)) throw new TypeError("not serialised");
  return answer.bytes;
}

async function ask(world: TokenWorld, token: string, asking: Asking = {}): Promise<IntrospectResponse> {
  return fromBinary(IntrospectResponseSchema, await bytesOf(world, token, asking));
}

describe("a live token", () => {
  it("M-02 M-03 is described by what it claims", async () => {
    const world = createWorld();
    const answer = await ask(world, await signed(world, { scope: "secrets.read audit.read" }));
    const at = { seconds: BigInt(world.time.now.getTime() / 1000), nanos: 0 };
    expect(answer).toMatchObject({
      active: true,
      reason: "",
      kind: TokenKind.ACCESS,
      issuer: "https://gatehouse.test",
      subject: `prn_${alice}`,
      audience: "gatehouse",
      clientId: "gatehouse",
      tokenId,
      sessionId: `ses_${session}`,
      scopes: ["secrets.read", "audit.read"],
      roles: ["viewer"],
      authenticationMethods: ["pwd"],
      authenticationContext: "aal1",
      authenticationTime: at,
      issueTime: at,
      notBeforeTime: at,
      expireTime: { ...at, seconds: at.seconds + 1800n },
    });
  });

  it("is answered with the same bytes again, and kept once somebody came back for it", async () => {
    const world = createWorld();
    const token = await signed(world);
    const [first, second, third] = [
      await bytesOf(world, token),
      await bytesOf(world, token),
      await bytesOf(world, token),
    ];
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
    expect(third).toBe(second);
  });

  it("of another audience of this installation is described too; a filter leaves the others out", async () => {
    const world = createWorld();
    const token = await signed(world, { aud: "shop" });
    expect((await ask(world, token)).audience).toBe("shop");
    expect((await ask(world, token, { audience: "shop" })).active).toBe(true);
    const other = await ask(world, token, { audience: "gatehouse", grants: knowing });
    expect(other).toMatchObject({ active: false, reason: "TOKEN_WRONG_AUDIENCE" });
    expect((await ask(world, token, { audience: "SHOP" })).active).toBe(false);
  });
});

describe("TOK-15 who may ask", () => {
  it("the client that it was given through, which showed its secret, and no other caller of that client", async () => {
    const world = createWorld();
    const token = await signed(world);
    const nobody = principalOf({ id: "" });
    const active = async (as: Principal) => (await ask(world, token, { as, grants: [] })).active;
    expect(await active({ ...nobody, client: "gatehouse" })).toBe(true);
    expect(await active({ ...nobody, client: "till" })).toBe(false);
    expect(await active({ ...nobody, clientId: "gatehouse" })).toBe(false);
  });

  it("the token's own subject, without any grant", async () => {
    const world = createWorld();
    expect((await ask(world, await signed(world), { as: asAlice, grants: [] })).active).toBe(true);
  });

  it.each<[string, readonly Grant[], readonly string[]]>([
    ["nobody else without the permission", [], ["*"]],
    ["nobody with a grant on something else", [allow("token.introspect", "secrets")], ["*"]],
    ["nobody whose token is narrowed to other scopes", introspector, ["secrets.read"]],
    ["nobody whom a deny names", [...introspector, deny("token.introspect", "tokens")], ["*"]],
    ["nobody who may only know reasons", [allow("token.introspect.reason", "tokens")], ["*"]],
  ])("%s: the answer is that of a dead token", async (_title, grants, scopes) => {
    const world = createWorld();
    const as = principalOf({ id: bob, scopes });
    const asking = { as, grants };
    const dead = await bytesOf(createWorld(), "garbage", { as, grants: [] });
    expect(Buffer.from(await bytesOf(world, await signed(world), asking))).toEqual(Buffer.from(dead));
  });

  it("rights are looked at on every call, not remembered with the token", async () => {
    const world = createWorld();
    const token = await signed(world);
    expect((await ask(world, token)).active).toBe(true);
    expect((await ask(world, token, { grants: [] })).active).toBe(false);
  });
});

async function deadTokens(world: TokenWorld): Promise<readonly [string, string][]> {
  const now = world.time.now.getTime() / 1000;
  const revoked = await signed(world, { jti: "01890000-0000-7000-8000-0000000000c1" });
  const ended = await signed(world, { sid: "ses_01890000-0000-7000-8000-0000000000c2" });
  const expiresAt = new Date(world.time.now.getTime() + 3_600_000);
  world.feed({ kind: "token", key: "01890000-0000-7000-8000-0000000000c1", expiresAt });
  world.feed({ kind: "session", key: "01890000-0000-7000-8000-0000000000c2", expiresAt });
  return [
    ["TOKEN_MALFORMED", "garbage"],
    ["TOKEN_MALFORMED", `ghr_${"A".repeat(72)}`],
    ["TOKEN_SIGNATURE_INVALID", await signAnything(createTestSigner(), goodHeader(world), goodPayload(world))],
    ["TOKEN_EXPIRED", await signed(world, { iat: now - 1800, nbf: now - 1800, exp: now })],
    ["TOKEN_NOT_YET_VALID", await signed(world, { nbf: now + 31 })],
    ["TOKEN_WRONG_AUDIENCE", await signed(world, { aud: "elsewhere" })],
    ["TOKEN_WRONG_ISSUER", await signed(world, { iss: "https://elsewhere.test" })],
    ["TOKEN_WRONG_KIND", await signAnything(world.signer, { ...goodHeader(world), typ: "JWT" }, goodPayload(world))],
    ["TOKEN_REVOKED", revoked],
    ["TOKEN_REVOKED", ended],
    ["TOKEN_REVOKED", await signed(world, { gen: 0 })],
    ["TOKEN_REVOKED", await signed(world, { sub: `prn_${bob}` })],
  ];
}

describe("a dead token", () => {
  it("TOK-16 J-04 is byte for byte the same, whatever is wrong; the reason is for those who may know", async () => {
    const world = createWorld();
    for (const [reason, token] of await deadTokens(world)) {
      expect([...(await bytesOf(world, token)), reason]).toEqual([reason]);
      expect(await ask(world, token, { grants: knowing })).toEqual(create(IntrospectResponseSchema, { reason }));
    }
  });

  it("TOK-16 so is every hostile one", async () => {
    const world = createWorld({ settings: { defaultAudience: "gatehouse" } });
    for (const { make, reason } of hostileTokens) {
      const token = await make(world);
      expect(await bytesOf(world, token)).toHaveLength(0);
      expect((await ask(world, token, { grants: knowing })).reason).toBe(reason);
    }
  });

  it("is dead at once though its answer lies ready", async () => {
    const world = createWorld();
    const token = await signed(world);
    expect((await ask(world, token)).active).toBe(true);
    world.standings.set(standingOf(alice, { active: false }));
    expect(await bytesOf(world, token)).toHaveLength(0);
    world.standings.set(standingOf(alice));
    world.feed({ kind: "token", key: tokenId, expiresAt: new Date(world.time.now.getTime() + 3_600_000) });
    expect(await bytesOf(world, token)).toHaveLength(0);
  });

  it("J-07 at the millisecond of its expiry, remembered or not", async () => {
    const world = createWorld();
    const token = await signed(world);
    expect((await ask(world, token)).active).toBe(true);
    world.pass(1_800_000);
    expect(await ask(world, token, { grants: knowing })).toMatchObject({ active: false, reason: "TOKEN_EXPIRED" });
  });
});

describe("consistency", () => {
  const answering = (revoked: boolean): Reader & { asked: number } => {
    const reader = {
      asked: 0,
      async rows() {
        reader.asked += 1;
        return [{ dead: revoked ? [0] : [] }] as never;
      },
    };
    return reader;
  };

  it("BOUNDED never asks the database while the feed is fresh", async () => {
    const world = createWorld();
    const token = await signed(world);
    for (const consistency of [Consistency.UNSPECIFIED, Consistency.BOUNDED]) {
      expect((await ask(world, token, { consistency })).active).toBe(true);
    }
    expect(world.standings.asked).toEqual([]);
  });

  it("STRONG asks it for revocations and standing, whatever memory says", async () => {
    const reader = answering(true);
    const world = createWorld({ reader });
    const token = await signed(world);
    expect((await ask(world, token)).active).toBe(true);
    const strong = { consistency: Consistency.STRONG, grants: knowing };
    expect(await ask(world, token, strong)).toMatchObject({ active: false, reason: "TOKEN_REVOKED" });
    expect(reader.asked).toBe(1);
    const other = createWorld({ reader: answering(false) });
    const again = await signed(other);
    expect((await ask(other, again, strong)).active).toBe(true);
    other.standings.setElsewhere(standingOf(alice, { active: false }));
    expect((await ask(other, again, strong)).reason).toBe("TOKEN_REVOKED");
    expect((await ask(other, again)).active).toBe(true);
  });

  it("everyone asks it when the feed is stale, and is refused when it does not answer", async () => {
    const world = createWorld({ reader: answering(true) });
    const token = await signed(world);
    world.freshness.isFresh = false;
    expect((await ask(world, token)).active).toBe(false);
    const cut = createWorld({ reader: { rows: () => Promise.reject(new GatehouseError("DATABASE_UNAVAILABLE")) } });
    cut.freshness.isFresh = false;
    await expect(ask(cut, await signed(cut))).rejects.toMatchObject({ reason: "DATABASE_UNAVAILABLE" });
  });
});
