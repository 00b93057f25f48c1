// Refresh on the real database: one successor, reuse kills, nothing comes back.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import type { TokenSettings } from "../../../src/token/settings.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { createInstallation, createPerson, introspect, logIn, refresh, refreshRefusal } from "./world.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
const graceMs = 30_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase({ poolSize: 12 });
});
afterAll(() => database.drop());

async function open(settings: Partial<TokenSettings> = {}) {
  const installation = await createInstallation(database, settings);
  const world = installation.replica();
  const standing = await createPerson(database, world);
  const tokens = await logIn(world, standing);
  return { installation, world, standing, tokens };
}

async function rowOf(sessionId: string) {
  const [row] = await database.asOwner(
    "select refresh_number, end_reason, refreshed_at, idle_expires_at from session where id = $1",
    [sessionId],
  );
  return row as { refresh_number: number; end_reason: string | null; refreshed_at: Date; idle_expires_at: Date };
}

const invalid = { reason: "REFRESH_TOKEN_INVALID", message: "the refresh token is not accepted" };

describe("a refresh", () => {
  it("F-02 J-05 gives an access token and the next refresh token of the same session", async () => {
    const { world, tokens, installation, standing } = await open();
    world.pass(10 * minute);
    const next = await refresh(world, tokens.refreshToken);
    expect(next.refreshToken).not.toBe(tokens.refreshToken);
    expect(next.sessionId).toBe(`ses_${tokens.sessionId}`);
    expect(next.scopes).toEqual(["*"]);
    expect(next.audience).toBe("gatehouse");
    expect(next.accessTokenExpireTime?.seconds).toBe(BigInt(world.time.now.getTime() / 1000) + 1800n);
    expect(next.refreshTokenExpireTime?.seconds).toBe(BigInt((world.time.now.getTime() + 7 * day) / 1000));
    expect(await introspect(world, next.accessToken)).toMatchObject({
      active: true,
      subject: `prn_${standing.principalId}`,
      roles: ["viewer"],
      authenticationTime: { seconds: BigInt((world.time.now.getTime() - 10 * minute) / 1000) },
    });
    expect(installation.records.at(-1)).toMatchObject({
      outcome: "SUCCESS",
      actor: { id: standing.principalId, kind: "person", sessionId: tokens.sessionId, clientId: "gatehouse" },
      subjectId: standing.principalId,
      resources: [{ type: "session", uid: `ses_${tokens.sessionId}` }],
    });
  });

  it("CVE-2024-46999 has the roles of now, not of the login", async () => {
    const { world, tokens, standing } = await open();
    world.standings.set({ ...standing, roles: [] });
    const next = await refresh(world, tokens.refreshToken);
    expect((await introspect(world, next.accessToken)).roles).toEqual([]);
  });

  it("goes on for as long as one likes, a token at a time", async () => {
    const { world, tokens } = await open();
    let token = tokens.refreshToken;
    for (let n = 0; n < 20; n += 1) {
      world.pass(minute);
      token = (await refresh(world, token)).refreshToken;
    }
    expect(await rowOf(tokens.sessionId)).toMatchObject({ refresh_number: 21, end_reason: null });
  });
});

describe("the grace", () => {
  it("J-05 the predecessor gives the same successor again, and changes nothing", async () => {
    const { world, tokens, installation } = await open();
    const first = await refresh(world, tokens.refreshToken);
    const row = await rowOf(tokens.sessionId);
    world.pass(graceMs - 1);
    const again = await refresh(world, tokens.refreshToken);
    expect(again.refreshToken).toBe(first.refreshToken);
    expect(again.refreshTokenExpireTime).toEqual(first.refreshTokenExpireTime);
    expect(again.accessToken).not.toBe(first.accessToken);
    expect(await rowOf(tokens.sessionId)).toEqual(row);
    expect(installation.records.at(-1)?.details).toEqual({ successor: "repeated" });
    expect((await refresh(world, first.refreshToken)).refreshToken).not.toBe(first.refreshToken);
  });

  it("cannot be extended by using it", async () => {
    const { world, tokens } = await open();
    await refresh(world, tokens.refreshToken);
    for (let n = 0; n < 5; n += 1) {
      world.pass(graceMs / 6);
      await refresh(world, tokens.refreshToken);
    }
    world.pass(graceMs / 6);
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject(invalid);
    expect(await rowOf(tokens.sessionId)).toMatchObject({ end_reason: "REFRESH_TOKEN_REUSED" });
  });

  it("is for the direct predecessor alone: two generations back is a reuse even within it", async () => {
    const { world, tokens, installation } = await open();
    const second = await refresh(world, tokens.refreshToken);
    await refresh(world, second.refreshToken);
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject(invalid);
    expect(installation.records.at(-1)?.details).toMatchObject({ classification: "STALE_LINEAGE" });
  });

  it("may be none", async () => {
    const { world, tokens } = await open({ refreshGraceMs: 0 });
    await refresh(world, tokens.refreshToken);
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject(invalid);
    expect(await rowOf(tokens.sessionId)).toMatchObject({ end_reason: "REFRESH_TOKEN_REUSED" });
  });

  it("gives the same successor after the key has turned over, too", async () => {
    const { world, tokens, installation } = await open();
    const first = await refresh(world, tokens.refreshToken);
    installation.macs.turnOver();
    expect((await refresh(world, tokens.refreshToken)).refreshToken).toBe(first.refreshToken);
    const next = await refresh(world, first.refreshToken);
    installation.macs.forget(1);
    expect((await refresh(world, next.refreshToken)).refreshToken).toBeTruthy();
    expect(await refreshRefusal(world, first.refreshToken)).toMatchObject(invalid);
  });
});

describe("a reuse", () => {
  it("TOK-01 TOK-02 ends the session with its newest refresh token and its access tokens, and is recorded", async () => {
    const { world, tokens, installation } = await open();
    const next = await refresh(world, tokens.refreshToken);
    world.pass(graceMs);
    expect((await introspect(world, next.accessToken)).active).toBe(true);
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject(invalid);
    expect(installation.records.at(-1)).toMatchObject({
      event: "authn.token_reuse",
      outcome: "FAILURE",
      reason: "REFRESH_TOKEN_REUSED",
      grpcCode: 16,
      subjectId: expect.any(String),
      details: { classification: "RECENT_PREDECESSOR", code: "SEC-TOKEN-009" },
    });
    expect(await refreshRefusal(world, next.refreshToken)).toMatchObject({ ...invalid, auditReason: "SESSION_ENDED" });
    expect(await introspect(world, next.accessToken)).toMatchObject({ active: false, reason: "TOKEN_REVOKED" });
    expect(await introspect(world, tokens.accessToken)).toMatchObject({ active: false, reason: "TOKEN_REVOKED" });
    expect(installation.announced).toEqual([
      { kind: "session", key: tokens.sessionId, expiresAt: new Date(world.time.now.getTime() + 30 * minute + 30_000) },
    ]);
  });

  it("CVE-2026-9802 is known after a restart: nothing about it was in memory", async () => {
    const { world, tokens, installation, standing } = await open();
    const next = await refresh(world, tokens.refreshToken);
    const restarted = installation.replica();
    restarted.standings.set(standing);
    restarted.time.now = new Date(world.time.now.getTime() + minute);
    expect(await refreshRefusal(restarted, tokens.refreshToken)).toMatchObject(invalid);
    expect(await refreshRefusal(restarted, next.refreshToken)).toMatchObject(invalid);
    expect(await rowOf(tokens.sessionId)).toMatchObject({ end_reason: "REFRESH_TOKEN_REUSED" });
  });

  it("ends its own session and no other of the same person", async () => {
    const { world, tokens, standing } = await open();
    const other = await logIn(world, standing);
    await refresh(world, tokens.refreshToken);
    world.pass(graceMs);
    await refreshRefusal(world, tokens.refreshToken);
    expect((await refresh(world, other.refreshToken)).sessionId).toBe(`ses_${other.sessionId}`);
  });

  it("whose record cannot be written ends nothing, and is found again at the next try", async () => {
    const { world, tokens, installation } = await open();
    await refresh(world, tokens.refreshToken);
    world.pass(graceMs);
    installation.failNextRecord(new GatehouseError("AUDIT_UNAVAILABLE"));
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
    expect(await rowOf(tokens.sessionId)).toMatchObject({ end_reason: null });
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject(invalid);
    expect(await rowOf(tokens.sessionId)).toMatchObject({ end_reason: "REFRESH_TOKEN_REUSED" });
  });
});

describe("at the same time", () => {
  it("TOK-03 20 parallel refreshes of one token, round after round: one successor, and it alone goes on", async () => {
    const { world, tokens } = await open();
    let token = tokens.refreshToken;
    for (let round = 1; round <= 10; round += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(world, token)));
      const successors = new Set(answers.map((answer) => answer.refreshToken));
      expect(successors.size).toBe(1);
      expect(await rowOf(tokens.sessionId)).toMatchObject({ refresh_number: round + 1, end_reason: null });
      token = [...successors][0] ?? "";
    }
  });

  it("CVE-2026-1035 50 parallel refreshes on two replicas without a grace: one lineage at most, and it is ended", async () => {
    const installation = await createInstallation(database, { refreshGraceMs: 0 });
    const replicas = [installation.replica(), installation.replica({ deaf: true })] as const;
    const standing = await createPerson(database, ...replicas);
    const tokens = await logIn(replicas[0], standing);
    const answers = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => refresh(replicas[n % 2 === 0 ? 0 : 1], tokens.refreshToken)),
    );
    const granted = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    expect(granted).toHaveLength(1);
    expect(await rowOf(tokens.sessionId)).toMatchObject({ refresh_number: 2, end_reason: "REFRESH_TOKEN_REUSED" });
    for (const replica of replicas) {
      expect(await refreshRefusal(replica, granted[0]?.refreshToken ?? "")).toMatchObject(invalid);
    }
    expect(installation.records.filter(({ event }) => event === "authn.token_reuse")).toHaveLength(1);
  });

  it("TOK-03 whatever two replicas do in whatever order, one live token at most", async () => {
    const installation = await createInstallation(database);
    const replicas = [installation.replica(), installation.replica({ deaf: true })] as const;
    const standing = await createPerson(database, ...replicas);
    const step = fc.record({
      at: fc.constantFrom(0, 1),
      back: fc.nat({ max: 3 }),
      wait: fc.constantFrom(0, 1_000, 31_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), async (rounds) => {
        const tokens = await logIn(replicas[0], standing);
        const handedOut = [tokens.refreshToken];
        for (const round of rounds) {
          const waited = Math.max(...round.map(({ wait }) => wait));
          for (const replica of replicas) replica.pass(waited);
          const answers = await Promise.allSettled(
            round.map(({ at, back }) =>
              refresh(replicas[at] ?? replicas[0], handedOut.at(-1 - back) ?? tokens.refreshToken),
            ),
          );
          for (const answer of answers) {
            if (answer.status === "fulfilled" && !handedOut.includes(answer.value.refreshToken))
              handedOut.push(answer.value.refreshToken);
          }
          const live = await Promise.all(handedOut.map((token) => introspect(replicas[0], token)));
          expect(live.filter(({ active }) => active).length).toBeLessThanOrEqual(1);
          expect((await rowOf(tokens.sessionId)).refresh_number).toBe(handedOut.length);
        }
      }),
      { numRuns: 15 },
    );
  });
});

describe("lifetimes", () => {
  it("TOK-07 a session that idles is over", async () => {
    const { world, tokens } = await open({ sessionIdleMs: day });
    world.pass(day - 1);
    const next = await refresh(world, tokens.refreshToken);
    world.pass(day);
    expect(await refreshRefusal(world, next.refreshToken)).toMatchObject({ ...invalid, auditReason: "SESSION_IDLE" });
  });

  it("TOK-07 no access token outlives the idle time", async () => {
    const { world, tokens } = await open({ sessionIdleMs: minute });
    expect(tokens.accessTokenExpiresAt).toEqual(new Date(world.time.now.getTime() + minute));
    const next = await refresh(world, tokens.refreshToken);
    world.pass(minute);
    expect((await introspect(world, next.accessToken)).active).toBe(false);
  });

  it("J-01 the refresh token lives seven days, also where sessions may idle longer", async () => {
    const { world, tokens } = await open({ sessionIdleMs: 60 * day });
    expect(tokens.refreshTokenExpiresAt).toEqual(new Date(world.time.now.getTime() + 7 * day));
    world.pass(7 * day);
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject(invalid);
  });

  it("TOK-06 sliding never gets past the absolute lifetime, access tokens included", async () => {
    const { world, tokens } = await open({ sessionAbsoluteMs: 10 * day });
    let token = tokens.refreshToken;
    world.pass(6 * day);
    token = (await refresh(world, token)).refreshToken;
    world.pass(4 * day - minute);
    const last = await refresh(world, token);
    const end = BigInt((world.time.now.getTime() + minute) / 1000);
    expect(last.refreshTokenExpireTime?.seconds).toBe(end);
    expect(last.accessTokenExpireTime?.seconds).toBe(end);
    world.pass(minute);
    expect(await refreshRefusal(world, last.refreshToken)).toMatchObject({
      ...invalid,
      auditReason: "SESSION_EXPIRED",
    });
    expect((await introspect(world, last.accessToken)).active).toBe(false);
  });
});

describe("who may not renew", () => {
  it("CVE-2023-22492 TOK-08 a disabled principal, on a replica that has not heard of it as well", async () => {
    const { world, tokens, standing } = await open();
    await database.asOwner("update principal set state = 'disabled' where id = $1", [standing.principalId]);
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject({
      ...invalid,
      auditReason: "PRINCIPAL_DISABLED",
    });
    world.standings.set({ ...standing, active: false });
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject({
      ...invalid,
      auditReason: "PRINCIPAL_DISABLED",
    });
    expect(await rowOf(tokens.sessionId)).toMatchObject({ refresh_number: 1, end_reason: null });
  });

  it("TOK-08 a principal whose credentials of that generation died all at once", async () => {
    const { world, tokens, standing } = await open();
    await database.asOwner("update principal set generation = 2 where id = $1", [standing.principalId]);
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject(invalid);
    world.standings.set({ ...standing, generation: 2 });
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject(invalid);
    const fresh = await logIn(world, { ...standing, generation: 2 });
    expect((await refresh(world, fresh.refreshToken)).accessToken).toBeTruthy();
  });

  it("JWT-16 whoever sends another kind of token, or one of ours that was touched: nothing is signed", async () => {
    const { world, tokens, installation } = await open();
    const before = installation.signer.signed();
    const touched = tokens.refreshToken.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    for (const wrong of [tokens.accessToken, touched, `${tokens.refreshToken}A`, "ghb_x", "", "ghr_"]) {
      expect(await refreshRefusal(world, wrong)).toMatchObject({ ...invalid, auditReason: "REFRESH_TOKEN_FORGED" });
    }
    expect(installation.signer.signed()).toBe(before);
  });

  it("whoever holds a genuine token of a session that the database lost", async () => {
    const { world, tokens } = await open();
    await database.asOwner("delete from session where id = $1", [tokens.sessionId]);
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject({
      ...invalid,
      auditReason: "SESSION_UNKNOWN",
    });
  });

  it("a token ahead of a database that was set back ends the session, since nobody can say which lineage is true", async () => {
    const { world, tokens, installation } = await open();
    const next = await refresh(world, tokens.refreshToken);
    await database.asOwner("update session set refresh_number = 1 where id = $1", [tokens.sessionId]);
    expect(await refreshRefusal(world, next.refreshToken)).toMatchObject(invalid);
    expect(installation.records.at(-1)?.details).toMatchObject({ classification: "NOT_OF_LINEAGE" });
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject(invalid);
  });
});

describe("scopes", () => {
  it("TOK-04 narrow for one access token, and are back at the next refresh", async () => {
    const { world, standing } = await open();
    const tokens = await logIn(world, standing, { scopes: ["secrets.read", "audit.read"] });
    const narrow = await refresh(world, tokens.refreshToken, ["audit.read"]);
    expect((await introspect(world, narrow.accessToken)).scopes).toEqual(["audit.read"]);
    expect((await refresh(world, narrow.refreshToken)).scopes).toEqual(["secrets.read", "audit.read"]);
  });

  it("TOK-04 never widen, and asking for it uses nothing up", async () => {
    const { world, standing } = await open();
    const tokens = await logIn(world, standing, { scopes: ["secrets.read"] });
    for (const wide of [["*"], ["secrets.read", "secrets.write"]]) {
      expect(await refreshRefusal(world, tokens.refreshToken, wide)).toMatchObject({ reason: "SCOPE_EXCEEDS_GRANT" });
    }
    expect(await rowOf(tokens.sessionId)).toMatchObject({ refresh_number: 1 });
    expect((await refresh(world, tokens.refreshToken)).scopes).toEqual(["secrets.read"]);
  });
});

describe("refreshes that come together", () => {
  it("F-02 DAT-09 each get their own successor, and each has its record", async () => {
    const { installation, world, standing } = await open();
    const sessions = await Promise.all(Array.from({ length: 40 }, () => logIn(world, standing)));
    const before = installation.records.length;
    const renewed = await Promise.all(sessions.map(({ refreshToken }) => refresh(world, refreshToken)));
    expect(renewed.map(({ sessionId }) => sessionId)).toEqual(sessions.map(({ sessionId }) => `ses_${sessionId}`));
    expect(new Set(renewed.map(({ refreshToken }) => refreshToken)).size).toBe(40);
    const recorded = installation.records.slice(before).map(({ resources }) => resources[0]?.uid);
    expect(new Set(recorded)).toEqual(new Set(renewed.map(({ sessionId }) => sessionId)));
    expect(recorded).toHaveLength(40);
    for (const { refreshToken } of renewed) expect((await refresh(world, refreshToken)).refreshToken).toBeTruthy();
  });

  it("TOK-02 a reuse among them ends its own session and no other", async () => {
    const { world, standing, tokens } = await open();
    const others = await Promise.all(Array.from({ length: 10 }, () => logIn(world, standing)));
    await refresh(world, tokens.refreshToken);
    world.pass(graceMs);
    const [reused, ...renewed] = await Promise.all([
      refreshRefusal(world, tokens.refreshToken),
      ...others.map(({ refreshToken }) => refresh(world, refreshToken)),
    ]);
    expect(reused).toMatchObject(invalid);
    expect(await rowOf(tokens.sessionId)).toMatchObject({ end_reason: "REFRESH_TOKEN_REUSED" });
    expect(renewed).toHaveLength(10);
    for (const { sessionId } of others)
      expect(await rowOf(sessionId)).toMatchObject({ refresh_number: 2, end_reason: null });
  });

  it("TOK-08 sessions that are being ended are not renewed beside it, and nobody else waits for that", async () => {
    const { world, standing } = await open();
    const doomed = await Promise.all(Array.from({ length: 5 }, () => logIn(world, standing)));
    const other = await logIn(world, standing);
    const ended = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    const ending = database.transact(async (tx) => {
      const end = "update session set ended_at = $2, end_reason = 'LOGOUT' where id = any ($1)";
      const ids = doomed.map(({ sessionId }) => sessionId);
      await tx.rows({ name: "test.end", text: end }, [ids, world.time.now.toISOString()]);
      ended.resolve();
      await answered.promise;
    });
    await ended.promise;
    const waiting = doomed.map(({ refreshToken }) => refreshRefusal(world, refreshToken));
    expect((await refresh(world, other.refreshToken)).refreshToken).toBeTruthy();
    answered.resolve();
    await ending;
    for (const refusal of await Promise.all(waiting)) expect(refusal).toMatchObject(invalid);
    for (const { sessionId } of doomed)
      expect(await rowOf(sessionId)).toMatchObject({ refresh_number: 1, end_reason: "LOGOUT" });
  });
});

describe("all or nothing", () => {
  it("DAT-09 a record that cannot be written undoes the refresh: the same token works again", async () => {
    const { world, tokens, installation } = await open();
    installation.failNextRecord(new GatehouseError("AUDIT_UNAVAILABLE"));
    expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
    expect(await rowOf(tokens.sessionId)).toMatchObject({ refresh_number: 1 });
    expect((await refresh(world, tokens.refreshToken)).refreshToken).toBeTruthy();
  });

  it("a key home that does not answer ends nobody's session, however long it is away", async () => {
    const { world, tokens, installation } = await open();
    installation.signer.failing = new GatehouseError("KEYS_UNAVAILABLE");
    for (let n = 0; n < 3; n += 1) {
      expect(await refreshRefusal(world, tokens.refreshToken)).toMatchObject({ reason: "KEYS_UNAVAILABLE" });
      world.pass(graceMs);
    }
    installation.signer.failing = undefined;
    expect(await rowOf(tokens.sessionId)).toMatchObject({ refresh_number: 1, end_reason: null });
    expect((await refresh(world, tokens.refreshToken)).refreshToken).toBeTruthy();
  });
});
