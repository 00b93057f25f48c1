// RevokeSubject: whom it ends, what it announces, and what it leaves alone. The races are in test/integration/token.
import { create } from "@bufbuild/protobuf";
import { RevokeSubjectRequestSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import { aClient, fakeClients } from "../../../fakes/clients.ts";
import { principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { createTokenWorld, standingOf } from "../../../fakes/token-world.ts";
import { alice, bob, session } from "../claims.ts";

const other = "01890000-0000-7000-8000-0000000000ab";

function createWorld() {
  const asked: (readonly unknown[])[] = [];
  let lastEnding: Date | null = null;
  const database = scriptedDatabase({
    "token.subject_client_last_ending": () => [{ number: lastEnding }],
    "auth.raise_generation": ([id]) => (id === alice ? [{ generation: 4 }] : []),
    "token.sessions_of_subject_end": (parameters) => {
      asked.push(parameters);
      return [{ id: session }, { id: other }];
    },
  });
  const clients = fakeClients(aClient);
  const world = createTokenWorld({ reader: database, unitOfWork: database.unitOfWork, clients });
  world.standings.set(standingOf(alice));
  const call = world.call({ principal: principalOf({ id: alice }) });
  const revoke = (request: { principalId?: string; clientId?: string }) =>
    world.handler("revokeSubject")(create(RevokeSubjectRequestSchema, request), call);
  const endedLast = (at: Date) => {
    lastEnding = at;
  };
  return { database, world, revoke, call, asked, endedLast };
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

  it("TOK-10 for one client ends its sessions, each announced, and all it was given, and raises nothing", async () => {
    const { database, revoke, call, asked } = createWorld();
    expect(await revoke({ clientId: "shop" })).toMatchObject({ endedSessions: 2 });
    expect(asked).toMatchObject([[alice, "shop", expect.any(String), "SUBJECT_REVOKED"]]);
    expect(database.announced).toMatchObject([
      { kind: "session", key: session },
      { kind: "session", key: other },
      { kind: "subject_client", key: `${alice}:shop` },
    ]);
    expect(database.asked).not.toContain("auth.raise_generation");
    expect(call.audit.details).toEqual({ client_id: "shop", ended_sessions: 2 });
  });

  it("numbers an ending after the one before, also when its own clock is behind", async () => {
    const { database, revoke, world, endedLast } = createWorld();
    await revoke({ clientId: "shop" });
    const first = database.announced.at(-1)?.expiresAt ?? new Date(0);
    expect(first.getTime()).toBe(world.time.now.getTime() + world.settings.accessTokenLifetimeMs + 30_000);
    const ahead = new Date(first.getTime() + 5_000);
    endedLast(ahead);
    await revoke({ clientId: "shop" });
    expect(database.announced.at(-1)?.expiresAt.getTime()).toBe(ahead.getTime() + 1);
  });

  it.each([
    ["the built-in client", "gatehouse", true],
    ["the account itself, for what its keys were given", `prn_${alice}`, true],
    ["another account", `prn_${bob}`, false],
    ["a client that there is not", "nobody", false],
    ["no name of a client", "shop:3", false],
  ])("announces an ending for %s: %s, %s", async (_title, clientId, announced) => {
    const { database, revoke } = createWorld();
    expect(await revoke({ clientId })).toMatchObject({ endedSessions: 2 });
    expect(database.announced.some(({ kind }) => kind === "subject_client")).toBe(announced);
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
