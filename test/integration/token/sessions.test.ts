// Sessions as Auth uses them, on the real database.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { createInstallation, createPerson, introspect, logIn, refresh, refreshRefusal } from "./world.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.drop());

async function open() {
  const installation = await createInstallation(database);
  const world = installation.replica();
  const standing = await createPerson(database, world);
  const list = (after?: string, limit = 10) =>
    world.slice.sessions.list(standing.principalId, after, limit, world.time.now);
  const end = (sessionId: string, principalId = standing.principalId) =>
    database
      .unitOfWork()
      .commit(world.call().audit, (tx) =>
        world.slice.sessions.end(tx, principalId, sessionId, "LOGGED_OUT", world.time.now),
      );
  return { installation, world, standing, list, end };
}

describe("a prepared session", () => {
  it("F-01 is nothing until it is stored: its tokens are dead in the eyes of the database", async () => {
    const { world, standing, list } = await open();
    const request = {
      standing,
      clientId: "gatehouse",
      audience: undefined,
      scopes: [],
      authenticationMethods: ["pwd"],
      authenticationContext: "aal1",
      deviceName: "",
      peer: { address: "unix", userAgent: "" },
      possession: { proofs: [], httpMethod: "POST", path: "/test", certificate: undefined },
      now: world.time.now,
    };
    const { tokens } = await world.slice.sessions.prepare(request, () => Buffer.from("x"));
    expect(await list()).toEqual([]);
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject({ auditReason: "SESSION_UNKNOWN" });
    expect((await introspect(world, tokens.accessToken, 2)).active).toBe(false);
  });

  it("is for the default audience unless another known one is asked for", async () => {
    const { world, standing } = await open();
    expect((await logIn(world, standing)).audience).toBe("gatehouse");
    await expect(logIn(world, standing, { audience: "elsewhere" })).rejects.toMatchObject({
      reason: "AUDIENCE_UNKNOWN",
    });
  });

  it("TOK-11 has an id of its own, and nothing a caller brings becomes one", async () => {
    const { world, standing } = await open();
    const all = await Promise.all(Array.from({ length: 20 }, () => logIn(world, standing)));
    expect(new Set(all.map(({ sessionId }) => sessionId)).size).toBe(20);
    expect(new Set(all.map(({ refreshToken }) => refreshToken)).size).toBe(20);
  });
});

describe("TOK-10 the list of sessions", () => {
  it("shows live ones, newest first, with the device that its owner may see", async () => {
    const { world, standing, list } = await open();
    const first = await logIn(world, standing, { deviceName: "phone | é" });
    world.pass(60_000);
    const second = await logIn(world, standing);
    await refresh(world, first.refreshToken);
    const sessions = await list();
    expect(sessions.map(({ id }) => id)).toEqual([second.sessionId, first.sessionId]);
    expect(sessions[1]).toEqual({
      id: first.sessionId,
      deviceName: "phone | é",
      address: "192.0.2.7",
      createdAt: new Date(world.time.now.getTime() - 60_000),
      refreshedAt: world.time.now,
      idleExpiresAt: new Date(world.time.now.getTime() + 7 * 86_400_000),
      absoluteExpiresAt: new Date(world.time.now.getTime() - 60_000 + 90 * 86_400_000),
    });
  });

  it("goes on after a session, page by page, and shows each once", async () => {
    const { world, standing, list } = await open();
    for (let n = 0; n < 5; n += 1) await logIn(world, standing);
    const all = (await list()).map(({ id }) => id);
    const pages: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await list(after, 2);
      if (page.length === 0) break;
      pages.push(...page.map(({ id }) => id));
      after = pages.at(-1);
    }
    expect(pages).toEqual(all);
    expect(all).toHaveLength(5);
  });

  it("shows nobody else's, no ended and no expired ones, and none of an older generation", async () => {
    const { world, standing, list, end } = await open();
    await logIn(world, await createPerson(database, world));
    const ended = await logIn(world, standing);
    await end(ended.sessionId);
    expect(await list()).toEqual([]);
    await logIn(world, standing);
    expect(await list()).toHaveLength(1);
    await database.asOwner("update principal set generation = 2 where id = $1", [standing.principalId]);
    expect(await list()).toEqual([]);
    await logIn(world, { ...standing, generation: 2 });
    expect(await list()).toHaveLength(1);
    world.pass(7 * 86_400_000);
    expect(await list()).toEqual([]);
  });
});

describe("the end of a session", () => {
  it("F-02 TOK-08 TOK-10 kills its tokens and is announced, in the caller's transaction", async () => {
    const { world, standing, end } = await open();
    const tokens = await logIn(world, standing);
    const before = database.committed.length;
    expect(await end(tokens.sessionId)).toBe(true);
    const events = database.committed.slice(before);
    expect(events).toEqual([
      { kind: "session", key: tokens.sessionId, expiresAt: new Date(world.time.now.getTime() + 1_830_000) },
    ]);
    world.feed(...events);
    expect((await introspect(world, tokens.accessToken)).reason).toBe("TOKEN_REVOKED");
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject({ auditReason: "SESSION_ENDED" });
    const [row] = await database.asOwner("select end_reason, ended_at from session where id = $1", [tokens.sessionId]);
    expect(row).toEqual({ end_reason: "LOGGED_OUT", ended_at: world.time.now });
  });

  it("comes once, and only to one's own", async () => {
    const { world, standing, end } = await open();
    const tokens = await logIn(world, standing);
    const stranger = await createPerson(database, world);
    const before = database.committed.length;
    expect(await end(tokens.sessionId, stranger.principalId)).toBe(false);
    expect(await end(stranger.principalId)).toBe(false);
    expect(database.committed.length).toBe(before);
    const ends = await Promise.all(Array.from({ length: 5 }, () => end(tokens.sessionId)));
    expect(ends.filter(Boolean)).toHaveLength(1);
  });
});

describe("a stolen database", () => {
  it("TOK-11 holds no token and no MAC of one", async () => {
    const { world, standing } = await open();
    const tokens = await logIn(world, standing);
    const [row] = await database.asOwner("select session::text as text from session where id = $1", [tokens.sessionId]);
    const text = String(row?.text);
    const mac = Buffer.from(tokens.refreshToken.slice(4), "base64url").subarray(0, 32).toString("hex");
    expect(text).not.toContain(mac);
    expect(text).not.toContain(tokens.refreshToken.slice(4, 30));
    expect(text).not.toContain(tokens.accessToken.split(".")[2]);
  });
});
