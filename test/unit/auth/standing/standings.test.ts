// The memory of standings: fast while the feed is fresh, never older than the feed.
import { describe, expect, it } from "vitest";
import { createStandings } from "../../../../src/auth/standing/standings.ts";
import type { Row } from "../../../../src/kernel/database.ts";
import { alice, bob } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";

const start = Date.UTC(2026, 10, 21);
const person = { kind: "person", state: "active", generation: 1 };
const none = { ...person, role: null, permissions: null, resource: null, effect: null, expires_at: null };
const granted = (role: string, expiresAt: number | undefined = undefined, effect = "allow") => ({
  ...person,
  role,
  permissions: ["secrets.read"],
  resource: "",
  effect,
  expires_at: expiresAt === undefined ? null : new Date(expiresAt),
});

function standingsOver(answer: (id: unknown) => readonly Row[] | Promise<readonly Row[]>, capacity = 10) {
  const state = { now: start, fresh: true };
  const database = scriptedDatabase({ "auth.standing": ([id]) => answer(id) });
  const standings = createStandings({
    reader: database,
    freshness: { fresh: () => state.fresh },
    clock: { now: () => new Date(state.now) },
    capacity,
  });
  return { state, database, standings };
}

const changed = (key: string) => [{ kind: "principal" as const, key, expiresAt: new Date(start + 3_600_000) }];

describe("standings", () => {
  it("asks once and remembers", async () => {
    const { standings, database } = standingsOver(() => [granted("viewer")]);
    expect(standings.peek(alice)).toBeUndefined();
    expect(await standings.of(alice)).toMatchObject({ active: true, generation: 1, roles: ["viewer"] });
    expect(standings.peek(alice)).toBe(await standings.of(alice));
    expect(database.asked).toHaveLength(1);
  });

  it("asks once for many at the same time", async () => {
    const { standings, database } = standingsOver(() => [none]);
    await Promise.all(Array.from({ length: 20 }, () => standings.of(alice)));
    expect(database.asked).toHaveLength(1);
  });

  it("forgets what the feed says has changed, and only that", async () => {
    const { standings } = standingsOver(() => [none]);
    await Promise.all([standings.of(alice), standings.of(bob)]);
    standings.onFeed([...changed(alice), { kind: "session", key: bob, expiresAt: new Date(start) }]);
    expect(standings.peek(alice)).toBeUndefined();
    expect(standings.peek(bob)).toBeDefined();
  });

  it("P-13 forgets who holds a role that changed, whatever the grant does with it, and only them", async () => {
    const ended = start - 1;
    const rows = new Map([
      ["allowed", granted("reader")],
      ["denied", granted("reader", undefined, "deny")],
      ["ended", granted("reader", ended)],
      ["other", granted("viewer")],
    ]);
    const { standings } = standingsOver((id) => [rows.get(String(id)) ?? none]);
    for (const id of rows.keys()) await standings.of(id);
    standings.onFeed([{ kind: "role", key: "reader", expiresAt: new Date(start + 1) }]);
    expect([...rows.keys()].filter((id) => standings.peek(id) !== undefined)).toEqual(["other"]);
  });

  it("P-13 does not remember what was read before a role changed", async () => {
    const gate = Promise.withResolvers<readonly Row[]>();
    const { standings } = standingsOver(() => gate.promise);
    const reading = standings.of(alice);
    standings.onFeed([{ kind: "role", key: "reader", expiresAt: new Date(start + 1) }]);
    gate.resolve([granted("reader")]);
    await reading;
    expect(standings.peek(alice)).toBeUndefined();
  });

  it("does not remember what was read before a change that is heard of meanwhile", async () => {
    const gate = Promise.withResolvers<readonly Row[]>();
    const answers = [gate.promise, Promise.resolve([granted("viewer")])];
    const { standings } = standingsOver(() => answers.shift() ?? []);
    const early = standings.of(alice);
    standings.onFeed(changed(alice));
    const late = await standings.of(alice);
    gate.resolve([granted("admin")]);
    await early;
    expect(late?.roles).toEqual(["viewer"]);
    expect(standings.peek(alice)?.roles).toEqual(["viewer"]);
  });

  it("asks the database while the feed is not fresh", async () => {
    const { standings, state, database } = standingsOver(() => [none]);
    await standings.of(alice);
    state.fresh = false;
    expect(standings.peek(alice)).toBeUndefined();
    await standings.of(alice);
    expect(database.asked).toHaveLength(2);
  });

  it("fresh asks the database always", async () => {
    const { standings, database } = standingsOver(() => [none]);
    await standings.of(alice);
    await standings.fresh(alice);
    expect(database.asked).toHaveLength(2);
  });

  it("lists roles of live grants that allow, once each", async () => {
    const rows = [granted("viewer"), granted("viewer"), granted("auditor", start), granted("admin", undefined, "deny")];
    const { standings } = standingsOver(() => rows);
    expect((await standings.of(alice))?.roles).toEqual(["viewer"]);
  });

  it("looks again when a grant has ended, and after five minutes", async () => {
    const { standings, state } = standingsOver(() => [granted("viewer", start + 1_000)]);
    await standings.of(alice);
    state.now = start + 999;
    expect(standings.peek(alice)).toBeDefined();
    state.now = start + 1_000;
    expect(standings.peek(alice)).toBeUndefined();
    await standings.of(alice);
    state.now += 300_000;
    expect(standings.peek(alice)).toBeUndefined();
  });

  it("says nothing of who does not exist, and remembers no such thing", async () => {
    const rows: Row[] = [];
    const { standings } = standingsOver(() => rows);
    expect(await standings.of(alice)).toBeUndefined();
    rows.push(none);
    expect(await standings.of(alice)).toBeDefined();
  });

  it("tries again after a failure", async () => {
    const answers = [Promise.reject(new Error("down")), Promise.resolve([none])];
    const { standings } = standingsOver(() => answers.shift() ?? []);
    await expect(standings.of(alice)).rejects.toThrow("down");
    expect(await standings.of(alice)).toBeDefined();
  });

  it("keeps the most recently used, up to its capacity", async () => {
    const { standings } = standingsOver(() => [none], 2);
    await standings.of(alice);
    await standings.of(bob);
    standings.peek(alice);
    await standings.of("third");
    expect([alice, bob, "third"].map((id) => standings.peek(id) !== undefined)).toEqual([true, false, true]);
  });
});
