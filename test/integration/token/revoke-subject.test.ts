// Ending everything of a subject on the real database: what dies, what does not, and who comes too late.
import { create } from "@bufbuild/protobuf";
import { RevokeSubjectRequestSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import type { Standing } from "../../../src/kernel/principal.ts";
import { principalOf } from "../../fakes/principal.ts";
import type { TokenWorld } from "../../fakes/token-world.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { createInstallation, createPerson, introspect, logIn, refresh, refreshRefusal } from "./world.ts";

const strong = 2;

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase({ poolSize: 24 });
});
afterAll(() => database.drop());

async function open() {
  const installation = await createInstallation(database);
  const world = installation.replica();
  const standing = await createPerson(database, world);
  return { installation, world, standing };
}

function revokeSubject(world: TokenWorld, { principalId }: Standing, clientId = "") {
  const request = create(RevokeSubjectRequestSchema, { clientId });
  return world.handler("revokeSubject")(request, world.call({ principal: principalOf({ id: principalId }) }));
}

/** What every replica does when it hears of the principal. */
const heard = (world: TokenWorld, standing: Standing, generation: number) =>
  world.standings.set({ ...standing, generation });

const invalid = { reason: "REFRESH_TOKEN_INVALID" };

describe("RevokeSubject", () => {
  it("TOK-10 TOK-08 ends every session and every access token of the subject, and nobody else's", async () => {
    const { world, standing, installation } = await open();
    const other = await createPerson(database, world);
    const [laptop, phone] = [await logIn(world, standing), await logIn(world, standing, { clientId: "shop" })];
    const theirs = await logIn(world, other);
    expect(await revokeSubject(world, standing)).toMatchObject({ endedSessions: 2 });
    for (const { accessToken, refreshToken } of [laptop, phone]) {
      expect(await introspect(world, accessToken, strong)).toMatchObject({ active: false, reason: "TOKEN_REVOKED" });
      expect(await refreshRefusal(world, refreshToken)).toMatchObject(invalid);
    }
    heard(world, standing, 2);
    expect((await introspect(world, laptop.accessToken)).active).toBe(false);
    expect((await introspect(world, theirs.accessToken)).active).toBe(true);
    expect((await refresh(world, theirs.refreshToken)).accessToken).toBeTruthy();
    expect(installation.announced).toMatchObject([
      { kind: "principal", key: standing.principalId },
      { kind: "subject", key: `${standing.principalId}:2` },
    ]);
    expect(await world.slice.sessions.list(standing.principalId, undefined, 10, world.time.now)).toEqual([]);
  });

  it("TOK-08 leaves what is handed out afterwards alive", async () => {
    const { world, standing } = await open();
    await revokeSubject(world, standing);
    heard(world, standing, 2);
    const fresh = await logIn(world, { ...standing, generation: 2 });
    expect((await introspect(world, fresh.accessToken, strong)).active).toBe(true);
    expect((await refresh(world, fresh.refreshToken)).accessToken).toBeTruthy();
  });

  it("TOK-08 what a replica hands out from memory, before it heard, is dead from the beginning", async () => {
    const { world, standing, installation } = await open();
    const deaf = installation.replica({ deaf: true });
    deaf.standings.set(standing);
    await revokeSubject(world, standing);
    heard(world, standing, 2);
    const late = await logIn(deaf, standing);
    expect((await introspect(world, late.accessToken)).active).toBe(false);
    expect(await refreshRefusal(deaf, late.refreshToken)).toMatchObject(invalid);
    expect(await refreshRefusal(world, late.refreshToken)).toMatchObject(invalid);
  });

  it("TOK-03 leaves nothing alive of 20 refreshes at the same moment, round after round", {
    timeout: 120_000,
  }, async () => {
    for (let round = 0; round < 10; round += 1) {
      const { world, standing } = await open();
      const sessions = await Promise.all(Array.from({ length: 5 }, () => logIn(world, standing)));
      const racing = Array.from({ length: 20 }, (_, n) => refresh(world, sessions[n % 5]?.refreshToken ?? ""));
      const [ended, ...answers] = await Promise.allSettled([revokeSubject(world, standing), ...racing]);
      expect(ended.status).toBe("fulfilled");
      heard(world, standing, 2);
      for (const answer of answers) {
        if (answer.status !== "fulfilled") continue;
        expect(await refreshRefusal(world, answer.value.refreshToken)).toMatchObject(invalid);
        expect((await introspect(world, answer.value.accessToken)).active).toBe(false);
      }
      const [row] = await database.asOwner<{ live: number }>(
        "select count(*)::integer as live from session where principal_id = $1 and ended_at is null",
        [standing.principalId],
      );
      expect(row?.live).toBe(0);
    }
  });

  it("for one client ends its sessions and their access tokens, and no other's", async () => {
    const { world, standing } = await open();
    const [mine, shop] = [await logIn(world, standing), await logIn(world, standing, { clientId: "shop" })];
    expect(await revokeSubject(world, standing, "shop")).toMatchObject({ endedSessions: 1 });
    expect((await introspect(world, shop.accessToken)).active).toBe(false);
    expect((await introspect(world, shop.accessToken, strong)).active).toBe(false);
    expect((await introspect(world, mine.accessToken, strong)).active).toBe(true);
    expect((await refresh(world, mine.refreshToken)).accessToken).toBeTruthy();
    expect(await revokeSubject(world, standing, "shop")).toMatchObject({ endedSessions: 0 });
  });

  it("P-02 DAT-09 whose record cannot be written ends nothing", async () => {
    const { world, standing, installation } = await open();
    const { accessToken, refreshToken } = await logIn(world, standing);
    installation.failNextRecord(new GatehouseError("AUDIT_UNAVAILABLE"));
    await expect(revokeSubject(world, standing)).rejects.toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
    expect((await introspect(world, accessToken, strong)).active).toBe(true);
    expect((await refresh(world, refreshToken)).accessToken).toBeTruthy();
    expect(installation.announced).toEqual([]);
  });
});
