// What Refresh asks of the database and of the key home, and in which order; the database itself is in
// test/integration/token/refresh.test.ts.
import { create } from "@bufbuild/protobuf";
import { RefreshRequestSchema, type RefreshResponse } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import { createRefreshTokens } from "../../../../src/token/refresh-tokens.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { createTestMacs, createTokenWorld, standingOf } from "../../../fakes/token-world.ts";
import { alice, session } from "../claims.ts";

const noon = new Date("2026-11-21T12:00:00Z");
const later = (milliseconds: number) => new Date(noon.getTime() + milliseconds);

const row = {
  id: session,
  principal_id: alice,
  principal_generation: 1,
  client_id: "gatehouse",
  audience: "gatehouse",
  scopes: ["*"],
  authentication_methods: ["pwd"],
  authentication_context: "1",
  authenticated_at: noon,
  absolute_expires_at: later(90 * 86_400_000),
  refresh_number: 1,
  refresh_key_version: 1,
  refreshed_at: noon,
  idle_expires_at: later(86_400_000),
  ended: false,
  principal_stands: true,
  confirmation: null,
};

function createWorld(script: Parameters<typeof scriptedDatabase>[0] = {}) {
  const database = scriptedDatabase({
    "token.session_find": () => [row],
    "token.session_rotate_together": () => [{ place: 1 }],
    ...script,
  });
  const macs = createTestMacs();
  const world = createTokenWorld({ reader: database, unitOfWork: database.unitOfWork, macs });
  world.standings.set(standingOf(alice));
  const token = createRefreshTokens(macs).write({ sessionId: session, number: 1 }).text;
  const refresh = async (refreshToken = token, scopes: string[] = []) =>
    (await world.handler("refresh")(
      create(RefreshRequestSchema, { refreshToken, scopes }),
      world.call(),
    )) as RefreshResponse;
  return { database, world, macs, refresh };
}

describe("Refresh", () => {
  it("is one statement in its transaction, and needs no other once the session is known", async () => {
    const { database, refresh, macs } = createWorld();
    await refresh();
    expect(database.asked).toEqual(["token.session_find", "token.session_rotate_together"]);
    await refresh(createRefreshTokens(macs).write({ sessionId: session, number: 2 }).text);
    expect(database.asked.slice(2)).toEqual(["token.session_rotate_together"]);
    expect(database.commits()).toBe(2);
  });

  it("goes on alone when it finds no place in a transaction with others, such as beside another that holds the session", async () => {
    const { database, refresh } = createWorld({
      "token.session_rotate_together": () => [],
      "token.session_rotate": () => [{ id: session }],
    });
    expect((await refresh()).tokens?.refreshToken).toMatch(/^ghr_/);
    expect(database.asked.slice(1)).toEqual(["token.session_rotate_together", "token.session_rotate"]);
    expect(database.commits()).toBe(1);
  });

  it("signs before its transaction: a key home that fails leaves everything as it was", async () => {
    const { database, refresh, world } = createWorld();
    world.signer.failing = new GatehouseError("KEYS_UNAVAILABLE");
    await expect(refresh()).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    expect(database.asked).toEqual(["token.session_find"]);
  });

  it("signs nothing and asks nothing for a token that is not ours", async () => {
    const { database, refresh, world } = createWorld();
    const foreign = createRefreshTokens(createTestMacs()).write({ sessionId: session, number: 1 }).text;
    await expect(refresh(foreign)).rejects.toMatchObject({ reason: "REFRESH_TOKEN_INVALID" });
    expect([database.asked, world.signer.signed()]).toEqual([[], 0]);
  });

  it("asks the database for the standing when the feed is stale, or memory says that the principal is gone", async () => {
    const { refresh, world } = createWorld();
    world.freshness.isFresh = false;
    await refresh();
    expect(world.standings.asked).toEqual(["fresh"]);
    world.freshness.isFresh = true;
    world.standings.set(standingOf(alice, { active: false }));
    world.standings.setElsewhere(standingOf(alice));
    await refresh();
    expect(world.standings.asked).toEqual(["fresh", "of", "fresh"]);
  });

  it("a session that changed between two statements is refused, not ended", async () => {
    const { database, refresh } = createWorld({
      "token.session_rotate_together": () => [],
      "token.session_lock": () => [row],
    });
    await expect(refresh()).rejects.toMatchObject({ reason: "REFRESH_TOKEN_INVALID" });
    expect([database.commits(), database.announced]).toEqual([0, []]);
  });

  it("a session that is gone between two statements is refused", async () => {
    const { refresh } = createWorld({ "token.session_rotate_together": () => [], "token.session_lock": () => [] });
    await expect(refresh()).rejects.toMatchObject({ auditReason: "SESSION_UNKNOWN" });
  });

  it("CLM-08 scopes that are no scope tokens are refused before anything is used up", async () => {
    const { database, refresh } = createWorld();
    await expect(refresh(undefined, ["a b"])).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
    expect(database.commits()).toBe(0);
  });

  it("P-09 no refusal repeats the token", async () => {
    const { refresh, macs } = createWorld({ "token.session_find": () => [] });
    const { text } = createRefreshTokens(macs).write({ sessionId: session, number: 1 });
    const error = await refresh(text).catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(text.slice(4, 20));
  });
});
