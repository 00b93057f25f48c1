// Whom a bearer token speaks for, and everything that speaks for nobody.
import { createHook } from "node:async_hooks";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { allow } from "../../fakes/principal.ts";
import { signAnything } from "../../fakes/token-signer.ts";
import { createTokenWorld, standingOf, type TokenWorld } from "../../fakes/token-world.ts";
import { alice, goodHeader, goodPayload, session, tokenId } from "./claims.ts";
import { type HostileToken, hostileTokens } from "./hostile-tokens.ts";

function createWorld(options: Parameters<typeof createTokenWorld>[0] = {}): TokenWorld {
  const world = createTokenWorld(options);
  world.standings.set(standingOf(alice));
  return world;
}

async function authenticate(world: TokenWorld, token: string): Promise<Principal> {
  return await world.slice.authenticator.authenticate(token, world.time.now);
}

async function reasonOf(world: TokenWorld, token: string): Promise<string | undefined> {
  try {
    await authenticate(world, token);
    return undefined;
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error;
    expect(error.code).toBe(16);
    return error.reason;
  }
}

const signed = (world: TokenWorld, more: Record<string, unknown> = {}) =>
  signAnything(world.signer, goodHeader(world), { ...goodPayload(world), ...more });

const soon = { kind: "token", key: tokenId, expiresAt: new Date("2026-11-21T13:00:00Z") } as const;

describe("a good token", () => {
  it("M-02 speaks for its principal, with what it claims", async () => {
    const world = createWorld();
    const principal = await authenticate(world, await signed(world, { scope: "secrets.read audit.read" }));
    expect(principal).toEqual({
      id: alice,
      kind: "person",
      sessionId: session,
      clientId: "gatehouse",
      tokenId,
      scopes: new Set(["secrets.read", "audit.read"]),
      authenticationMethods: ["pwd"],
      authenticationContext: "aal1",
      authenticatedAt: world.time.now,
      tokenExpiresAt: new Date(world.time.now.getTime() + 1_800_000),
      standing: standingOf(alice),
    });
  });

  it("JWT-15 may name its type in full, and may hold claims that we do not know", async () => {
    const world = createWorld();
    const header = { ...goodHeader(world), typ: "application/at+jwt" };
    const token = await signAnything(world.signer, header, { ...goodPayload(world), future: { a: [1] } });
    expect((await authenticate(world, token)).id).toBe(alice);
  });

  it.each(["ES256", "EdDSA", "RS256", "PS256"] as const)("is taken when signed by %s", async (algorithm) => {
    const { createTestSigner } = await import("../../fakes/token-signer.ts");
    const world = createWorld({ signer: createTestSigner(algorithm) });
    const token = await signed(world);
    expect((await authenticate(world, token)).id).toBe(alice);
    const [head, body, tail = ""] = token.split(".");
    const flipped = Buffer.from(tail, "base64url");
    flipped[3] = (flipped[3] ?? 0) ^ 1;
    expect(await reasonOf(world, `${head}.${body}.${flipped.toString("base64url")}`)).toBe("TOKEN_SIGNATURE_INVALID");
  });

  it("costs no signature check the second time, and answers at once", async () => {
    const world = createWorld();
    const token = await signed(world);
    const first = await authenticate(world, token);
    const again = world.slice.authenticator.authenticate(token, world.time.now);
    expect(again).toBe(first);
  });
});

describe("the principal of a remembered token", () => {
  it("CLM-10 has the rights of now: a grant that was taken away is gone at once", async () => {
    const world = createWorld();
    const token = await signed(world);
    const grants = [allow("secrets.read", "secrets/a")];
    world.standings.set(standingOf(alice, { grants }));
    expect((await authenticate(world, token)).standing.grants).toEqual(grants);
    world.standings.set(standingOf(alice));
    expect((await authenticate(world, token)).standing.grants).toEqual([]);
  });
});

describe("a hostile token", () => {
  const world = createWorld();

  const hostile = (id: string) =>
    hostileTokens.filter((token) => token.id.split(" ")[0] === id).map((token) => [token.what, token] as const);

  async function refused(_what: string, { make, reason }: HostileToken): Promise<void> {
    const token = await make(world);
    expect(await reasonOf(world, token)).toBe(reason);
    expect(await reasonOf(world, token)).toBe(reason);
  }

  it.each(hostile("JWT-01"))("JWT-01 refused: %s", refused);
  it.each(hostile("JWT-02"))("JWT-02 refused: %s", refused);
  it.each(hostile("JWT-03"))("JWT-03 JWT-10 refused: %s", refused);
  it.each(hostile("JWT-04"))("JWT-04 refused: %s", refused);
  it.each(hostile("JWT-05"))("JWT-05 J-07 refused: %s", refused);
  it.each(hostile("JWT-11"))("JWT-11 refused: %s", refused);
  it.each(hostile("JWT-12"))("JWT-12 refused: %s", refused);
  it.each(hostile("JWT-13"))("JWT-13 refused: %s", refused);
  it.each(hostile("JWT-14"))("JWT-14 refused: %s", refused);
  it.each(hostile("JWT-15"))("JWT-15 JWT-16 refused: %s", refused);
  it.each(hostile("JWT-17"))("JWT-17 refused: %s", refused);
  it.each(hostile("JWT-18"))("JWT-18 refused: %s", refused);
  it.each(hostile("JWT-22"))("JWT-22 refused: %s", refused);
  it.each(hostile("CLM-02"))("CLM-02 refused: %s", refused);
  it.each(hostile("CLM-03"))("CLM-03 refused: %s", refused);
  it.each(hostile("CLM-04"))("CLM-04 F-03 refused: %s", refused);
  it.each(hostile("CLM-05"))("CLM-05 F-03 refused: %s", refused);
  it.each(hostile("CLM-06"))("CLM-06 CLM-08 refused: %s", refused);
  it.each(hostile("CLM-07"))("CLM-07 refused: %s", refused);
  it.each(hostile("CLM-08"))("CLM-08 refused: %s", refused);

  it("JWT-13 JWT-14 asks no network and no name server, whatever its header says", async () => {
    const started: string[] = [];
    const hook = createHook({ init: (_id, type) => void started.push(type) }).enable();
    for (const { make } of hostileTokens) await reasonOf(world, await make(world));
    hook.disable();
    expect(started.length).toBeGreaterThan(0);
    expect(started.filter((type) => /TCP|UDP|GETADDRINFO|QUERY|PIPE|HTTP|FSREQ/.test(type))).toEqual([]);
  });

  it("JWT-16 is refused when it is a refresh token", async () => {
    expect(await reasonOf(world, `ghr_${"A".repeat(72)}`)).toBe("TOKEN_WRONG_KIND");
  });

  it("never makes the verifier throw anything but a reason", async () => {
    const part = fc.oneof(
      fc.string({ unit: fc.constantFrom(..."ABab01-_{}=. "), maxLength: 40 }),
      fc.json().map((json) => Buffer.from(json).toString("base64url")),
      fc
        .dictionary(fc.constantFrom("alg", "typ", "kid", "crit"), fc.constantFrom("ES256", "at+jwt", "x", null, 1))
        .map((header) => Buffer.from(JSON.stringify(header)).toString("base64url")),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
        expect(await reasonOf(world, parts.join("."))).toMatch(/^TOKEN_/);
      }),
      { numRuns: 500 },
    );
    const random = fc.dictionary(fc.constantFrom(...Object.keys(goodPayload(world))), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(random, async (more) => {
        const reason = await reasonOf(world, await signed(world, more));
        if (reason !== undefined) expect(reason).toMatch(/^TOKEN_/);
      }),
    );
  });

  it("JWT-22 of more than 16 KiB is not even hashed, let alone verified", async () => {
    const found: string[] = [];
    const verificationKeys = () => {
      found.push("asked");
      return world.signer.verificationKeys();
    };
    const signer = { ...world.signer, verificationKeys };
    const other = createWorld({ signer });
    const large = await signed(world, { roles: ["x".repeat(16 * 1024)] });
    expect(await reasonOf(other, large)).toBe("TOKEN_MALFORMED");
    expect(found).toEqual([]);
  });
});

describe("time", () => {
  it("CLM-01 a token dies in the millisecond of exp, and at no other", async () => {
    const world = createWorld();
    const token = await signed(world);
    world.pass(1_800_000 - 1);
    expect(await reasonOf(world, token)).toBeUndefined();
    world.pass(1);
    expect(await reasonOf(world, token)).toBe("TOKEN_EXPIRED");
  });

  it("CLM-01 remembered or not: a token that was never seen alive is dead just the same", async () => {
    const world = createWorld();
    const token = await signed(world);
    world.pass(1_800_000);
    expect(await reasonOf(world, token)).toBe("TOKEN_EXPIRED");
  });

  it.each(["nbf", "iat"])("CLM-01 CLM-07 %s may lie 30 s ahead, for clocks that differ, and no more", async (name) => {
    const world = createWorld();
    const now = world.time.now.getTime() / 1000;
    expect(await reasonOf(world, await signed(world, { [name]: now + 30, exp: now + 1800 }))).toBeUndefined();
    expect(await reasonOf(world, await signed(world, { [name]: now + 31, exp: now + 1800 }))).toBe(
      "TOKEN_NOT_YET_VALID",
    );
  });
});

describe("audience and kind", () => {
  it("CLM-05 a token for an application's audience is no credential here, though it is a good token", async () => {
    const world = createWorld({ settings: { defaultAudience: "shop" } });
    expect(await reasonOf(world, await signed(world, { aud: "shop" }))).toBe("TOKEN_WRONG_AUDIENCE");
    expect(await reasonOf(world, await signed(world))).toBeUndefined();
  });
});

describe("revocation", () => {
  it("TOK-08 by token id", async () => {
    const world = createWorld();
    const token = await signed(world);
    await authenticate(world, token);
    world.feed(soon);
    expect(await reasonOf(world, token)).toBe("TOKEN_REVOKED");
  });

  it("TOK-08 by session id", async () => {
    const world = createWorld();
    const token = await signed(world);
    world.feed({ ...soon, kind: "session", key: session });
    expect(await reasonOf(world, token)).toBe("TOKEN_REVOKED");
  });

  it("TOK-08 CVE-2023-22492 by the principal's standing: disabled, gone, or of a newer generation", async () => {
    const world = createWorld();
    const token = await signed(world);
    await authenticate(world, token);
    world.standings.set(standingOf(alice, { active: false }));
    expect(await reasonOf(world, token)).toBe("TOKEN_REVOKED");
    world.standings.set(standingOf(alice, { generation: 2 }));
    expect(await reasonOf(world, token)).toBe("TOKEN_REVOKED");
    world.standings.set(standingOf(alice));
    expect(await reasonOf(world, token)).toBeUndefined();
  });

  it("of a principal that nobody knows", async () => {
    const world = createTokenWorld();
    expect(await reasonOf(world, await signed(world))).toBe("TOKEN_REVOKED");
  });

  it("outlasts the sweeper until the token has expired, and memory is given back then", async () => {
    const world = createWorld();
    const token = await signed(world);
    world.feed({ ...soon, expiresAt: new Date(world.time.now.getTime() + 1_830_000) });
    for (const sweep of world.slice.sweeps) await sweep.run(world.time.now);
    expect(await reasonOf(world, token)).toBe("TOKEN_REVOKED");
    world.pass(1_830_000);
    for (const sweep of world.slice.sweeps) await sweep.run(world.time.now);
    expect(await reasonOf(world, token)).toBe("TOKEN_EXPIRED");
  });

  it("JWT-23 survives a second spelling of the signature: (r, n - s) of a revoked token", async () => {
    const world = createWorld();
    const token = await signed(world);
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const [head, body, tail = ""] = token.split(".");
    const bytes = Buffer.from(tail, "base64url");
    const s = BigInt(`0x${bytes.toString("hex", 32)}`);
    const other = Buffer.concat([
      bytes.subarray(0, 32),
      Buffer.from((order - s).toString(16).padStart(64, "0"), "hex"),
    ]);
    const respelled = `${head}.${body}.${other.toString("base64url")}`;
    expect(respelled).not.toBe(token);
    expect(await reasonOf(world, respelled)).toBeUndefined();
    world.feed(soon);
    expect(await reasonOf(world, token)).toBe("TOKEN_REVOKED");
    expect(await reasonOf(world, respelled)).toBe("TOKEN_REVOKED");
  });
});

describe("what is not in memory", () => {
  it("a standing is fetched, once", async () => {
    const world = createWorld();
    world.standings.drop(alice);
    expect(await reasonOf(world, await signed(world))).toBeUndefined();
    expect(world.standings.asked).toEqual(["of"]);
  });

  it("a token of a newer generation than memory knows sends for the database", async () => {
    const world = createWorld();
    world.standings.setElsewhere(standingOf(alice, { generation: 2 }));
    expect(await reasonOf(world, await signed(world, { gen: 2 }))).toBeUndefined();
    expect(await reasonOf(world, await signed(world, { gen: 3, jti: session }))).toBe("TOKEN_REVOKED");
    expect(world.standings.asked).toContain("fresh");
  });

  it("CLM-10 a part that is cut off from the feed and from the database refuses", async () => {
    const world = createWorld({
      reader: { rows: () => Promise.reject(new GatehouseError("DATABASE_UNAVAILABLE")) },
    });
    const token = await signed(world);
    await authenticate(world, token);
    world.freshness.isFresh = false;
    await expect(authenticate(world, token)).rejects.toMatchObject({ reason: "DATABASE_UNAVAILABLE" });
    world.feed(soon);
    expect(await reasonOf(world, token)).toBe("TOKEN_REVOKED");
  });
});
