// RevokeSubject: whom it ends, what it announces, and what it leaves alone. The races are in test/integration/token.
import { create } from "@bufbuild/protobuf";
import { RevokeSubjectRequestSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import { principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { createTokenWorld, standingOf } from "../../../fakes/token-world.ts";
import { alice, bob, session } from "../claims.ts";

const other = "01890000-0000-7000-8000-0000000000ab";

function createWorld() {
  const asked: (readonly unknown[])[] = [];
  const database = scriptedDatabase({
    "auth.raise_generation": ([id]) => (id === alice ? [{ generation: 4 }] : []),
    "token.sessions_of_subject_end": (parameters) => {
      asked.push(parameters);
      return [{ id: session }, { id: other }];
    },
  });
  const world = createTokenWorld({ reader: database, unitOfWork: database.unitOfWork });
  world.standings.set(standingOf(alice));
  const call = world.call({ principal: principalOf({ id: alice }) });
  const revoke = (request: { principalId?: string; clientId?: string }) =>
    world.handler("revokeSubject")(create(RevokeSubjectRequestSchema, request), call);
  return { database, world, revoke, call, asked };
}

describe("RevokeSubject", () => {
  it("TOK-10 raises the generation, ends the sessions, and tells replicas and guards", async () => {
    const { database, revoke, call, asked } = createWorld();
    expect(await revoke({ principalId: `prn_${alice}` })).toMatchObject({ endedSessions: 2 });
    expect(asked).toMatchObject([[alice, null, expect.any(String), "SUBJECT_REVOKED"]]);
    expect(database.announced).toMatchObject([
      { kind: "principal", key: alice },
      { kind: "subject", key: `${alice}:4` },
    ]);
    expect(call.audit).toMatchObject({
      resources: [{ type: "principal", uid: `prn_${alice}` }],
      details: { ended_sessions: 2 },
    });
  });

  it("tells guards for as long as the longest-lived token may be out", async () => {
    const { database, revoke, world } = createWorld();
    await revoke({});
    const subject = database.announced.find(({ kind }) => kind === "subject");
    expect(subject?.expiresAt.getTime()).toBeGreaterThanOrEqual(world.time.now.getTime() + 86_400_000);
  });

  it("without a name means the caller", async () => {
    const { database, revoke } = createWorld();
    await revoke({});
    expect(database.announced[0]).toMatchObject({ key: alice });
  });

  it("for one client ends its sessions alone, each announced, and raises nothing", async () => {
    const { database, revoke, call, asked } = createWorld();
    expect(await revoke({ clientId: "shop" })).toMatchObject({ endedSessions: 2 });
    expect(asked).toMatchObject([[alice, "shop", expect.any(String), "SUBJECT_REVOKED"]]);
    expect(database.announced).toMatchObject([
      { kind: "session", key: session },
      { kind: "session", key: other },
    ]);
    expect(database.asked).not.toContain("auth.raise_generation");
    expect(call.audit.details).toEqual({ client_id: "shop", ended_sessions: 2 });
  });

  it.each([[{}], [{ clientId: "shop" }]])("knows when there is nobody of that name: %o", async (more) => {
    const { database, revoke } = createWorld();
    await expect(revoke({ principalId: `prn_${bob}`, ...more })).rejects.toMatchObject({
      reason: "PRINCIPAL_NOT_FOUND",
    });
    expect(database.commits()).toBe(0);
  });

  it.each(["x", alice, `ses_${alice}`, `prn_${alice}x`])("refuses what is no id: %s", async (principalId) => {
    const { revoke } = createWorld();
    await expect(revoke({ principalId })).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
  });
});
