// Ending tokens and sessions on the real database, and what every replica then says of them.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { createRefreshTokens } from "../../../src/token/refresh-tokens.ts";
import { allow, principalOf } from "../../fakes/principal.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { createInstallation, createPerson, introspect, logIn, refresh, refreshRefusal, revoke } from "./world.ts";

const strong = 2;
const stranger = principalOf({ id: "01890000-0000-7000-8000-0000000000fe" });
const administrator = principalOf({
  id: "01890000-0000-7000-8000-0000000000fd",
  grants: [allow("token.revoke", "tokens")],
});

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.drop());

async function open() {
  const installation = await createInstallation(database);
  const world = installation.replica();
  const standing = await createPerson(database, world);
  const tokens = await logIn(world, standing);
  const owner = principalOf({ id: standing.principalId });
  return { installation, world, standing, tokens, owner };
}

describe("Revoke", () => {
  it("TOK-08 ends an access token alone: the session goes on", async () => {
    const { world, tokens, owner, installation } = await open();
    expect((await introspect(world, tokens.accessToken)).active).toBe(true);
    await revoke(world, tokens.accessToken, owner);
    expect(await introspect(world, tokens.accessToken)).toMatchObject({ active: false, reason: "TOKEN_REVOKED" });
    const next = await refresh(world, tokens.refreshToken);
    expect((await introspect(world, next.accessToken)).active).toBe(true);
    expect(installation.records.at(-2)).toMatchObject({
      outcome: "SUCCESS",
      resources: [{ type: "token" }, { type: "session", uid: `ses_${tokens.sessionId}` }],
    });
  });

  it("TOK-14 ends the session of a refresh token with all access tokens", async () => {
    const { world, tokens, owner } = await open();
    const next = await refresh(world, tokens.refreshToken);
    await revoke(world, next.refreshToken, owner);
    for (const token of [tokens.accessToken, next.accessToken, tokens.refreshToken, next.refreshToken]) {
      expect((await introspect(world, token)).active).toBe(false);
    }
    expect(await refreshRefusal(world, next.refreshToken)).toMatchObject({ auditReason: "SESSION_ENDED" });
  });

  it("takes a refresh token that was used up: whoever sends it wants the session ended", async () => {
    const { world, tokens, owner } = await open();
    const next = await refresh(world, tokens.refreshToken);
    await revoke(world, tokens.refreshToken, owner);
    expect(await refreshRefusal(world, next.refreshToken)).toMatchObject({ reason: "REFRESH_TOKEN_INVALID" });
  });

  it("an administrator ends anybody's", async () => {
    const { world, tokens } = await open();
    await revoke(world, tokens.accessToken, administrator);
    expect((await introspect(world, tokens.accessToken)).active).toBe(false);
    await revoke(world, tokens.refreshToken, administrator);
    expect(await refreshRefusal(world, tokens.refreshToken)).toBeDefined();
  });

  it("TOK-12 TOK-13 a stranger's, an unknown, a dead and a malformed token: the same answer, no effect, and a record", async () => {
    const { world, tokens, owner, installation } = await open();
    const done = await revoke(world, (await logIn(world, await createPerson(database, world))).accessToken, owner);
    const forged = createRefreshTokens(installation.macs).write({ sessionId: stranger.id, number: 1 }).text;
    const before = installation.announced.length;
    for (const token of [tokens.accessToken, tokens.refreshToken, "garbage", `ghr_${"A".repeat(72)}`, forged]) {
      expect(await revoke(world, token, stranger)).toEqual(done);
      expect(installation.records.at(-1)).toMatchObject({
        outcome: "SUCCESS",
        resources: [],
        details: { effect: "none" },
      });
    }
    expect(installation.announced.length).toBe(before);
    expect((await introspect(world, tokens.accessToken)).active).toBe(true);
    expect((await refresh(world, tokens.refreshToken)).refreshToken).toBeTruthy();
  });

  it("TOK-13 an expired token needs no ending, and twice is once", async () => {
    const { world, tokens, owner, installation } = await open();
    await revoke(world, tokens.refreshToken, owner);
    const announced = installation.announced.length;
    expect(await revoke(world, tokens.refreshToken, owner)).toEqual(await revoke(world, tokens.refreshToken, owner));
    world.pass(1_800_000);
    await revoke(world, tokens.accessToken, owner);
    expect(installation.announced.length).toBe(announced);
  });

  it("CVE-2020-15223 does not say that it ended what it could not", async () => {
    const { world, tokens, owner, installation } = await open();
    for (const token of [tokens.accessToken, tokens.refreshToken]) {
      installation.failNextRecord(new GatehouseError("DATABASE_UNAVAILABLE"));
      await expect(revoke(world, token, owner)).rejects.toMatchObject({ reason: "DATABASE_UNAVAILABLE" });
      expect((await introspect(world, token)).active).toBe(true);
    }
    expect(installation.announced).toEqual([]);
  });

  it("is announced until the last token concerned has expired on the slowest clock", async () => {
    const { world, tokens, owner, installation } = await open();
    const issuedAt = world.time.now.getTime();
    world.pass(600_000);
    await revoke(world, tokens.accessToken, owner);
    await revoke(world, tokens.refreshToken, owner);
    expect(installation.announced).toEqual([
      { kind: "token", key: expect.any(String), expiresAt: new Date(issuedAt + 1_830_000) },
      { kind: "session", key: tokens.sessionId, expiresAt: new Date(issuedAt + 600_000 + 1_830_000) },
    ]);
  });
});

describe("a replica that has not heard", () => {
  it("STRONG sees through it, and so does a replica that knows its memory to be old", async () => {
    const { installation, tokens, owner, world, standing } = await open();
    const deaf = installation.replica({ deaf: true });
    deaf.standings.set(standing);
    expect((await introspect(deaf, tokens.accessToken, strong)).active).toBe(true);
    await revoke(world, tokens.accessToken, owner);
    expect((await introspect(deaf, tokens.accessToken)).active).toBe(true);
    expect((await introspect(deaf, tokens.accessToken, strong)).reason).toBe("TOKEN_REVOKED");
    deaf.freshness.isFresh = false;
    expect((await introspect(deaf, tokens.accessToken)).reason).toBe("TOKEN_REVOKED");
    await expect(deaf.slice.authenticator.authenticate(tokens.accessToken, deaf.time.now)).rejects.toMatchObject({
      reason: "TOKEN_REVOKED",
    });
  });

  it("STRONG knows of ended sessions, and of sessions that the database never had or has of another person", async () => {
    const { installation, tokens, owner, world, standing } = await open();
    const deaf = installation.replica({ deaf: true });
    deaf.standings.set(standing);
    await revoke(world, tokens.refreshToken, owner);
    expect((await introspect(deaf, tokens.accessToken, strong)).reason).toBe("TOKEN_REVOKED");
    const other = await logIn(world, standing);
    expect((await introspect(deaf, other.accessToken, strong)).active).toBe(true);
    await database.asOwner("delete from session where id = $1", [other.sessionId]);
    expect((await introspect(deaf, other.accessToken, strong)).reason).toBe("TOKEN_REVOKED");
  });

  it("KC-31296 after a restart the feed brings back what was revoked", async () => {
    const { installation, tokens, owner, world, standing } = await open();
    await revoke(world, tokens.accessToken, owner);
    const restarted = installation.replica({ deaf: true });
    restarted.standings.set(standing);
    const stored = await database.asOwner<{ kind: "token"; key: string; expires_at: Date }>(
      "select kind, key, expires_at from feed order by number",
    );
    restarted.feed(...stored.map(({ kind, key, expires_at }) => ({ kind, key, expiresAt: expires_at })));
    expect((await introspect(restarted, tokens.accessToken)).reason).toBe("TOKEN_REVOKED");
  });
});

describe("Introspect of a refresh token", () => {
  it("describes the current one, and calls every other dead without ending anything", async () => {
    const { world, tokens, standing } = await open();
    expect(await introspect(world, tokens.refreshToken)).toMatchObject({
      active: true,
      kind: 2,
      subject: `prn_${standing.principalId}`,
      sessionId: `ses_${tokens.sessionId}`,
      audience: "gatehouse",
      tokenId: "",
      scopes: ["*"],
      expireTime: { seconds: BigInt(tokens.refreshTokenExpiresAt.getTime() / 1000) },
    });
    const next = await refresh(world, tokens.refreshToken);
    world.pass(60_000);
    expect(await introspect(world, tokens.refreshToken)).toMatchObject({ active: false, reason: "TOKEN_REVOKED" });
    expect((await introspect(world, next.refreshToken)).active).toBe(true);
    world.pass(8 * 86_400_000);
    expect(await introspect(world, next.refreshToken)).toMatchObject({ active: false, reason: "TOKEN_EXPIRED" });
  });

  it("CVE-2023-22492 of a disabled principal is inactive", async () => {
    const { world, tokens, standing } = await open();
    await database.asOwner("update principal set state = 'disabled' where id = $1", [standing.principalId]);
    expect(await introspect(world, tokens.refreshToken)).toMatchObject({ active: false, reason: "TOKEN_REVOKED" });
  });
});
