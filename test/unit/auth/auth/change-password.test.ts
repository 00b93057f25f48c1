// ChangePassword: what is asked, in which order, and what it rests on.
import { inspect } from "node:util";
import { create } from "@bufbuild/protobuf";
import { ChangePasswordRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { describe, expect, it } from "vitest";
import { createChangePassword } from "../../../../src/auth/auth/change-password.ts";
import { createPasswords } from "../../../../src/auth/password/passwords.ts";
import { generations } from "../../../../src/auth/standing/generations.ts";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import type { Principal } from "../../../../src/kernel/principal.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { cheapPhc, countingHasher, strongEnough } from "../../../fakes/passwords.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeSealer } from "../../../fakes/sealing.ts";
import { fakeSessionId, fakeSessions } from "../../../fakes/sessions.ts";
import { fakeSubjectKeys } from "../../../fakes/subject-keys.ts";

const place = { kind: "person.password", id: alice };
const profile = { kind: "person.profile", id: alice };
const caller = principalOf();
const session = { id: caller.sessionId ?? "", deviceName: "laptop", address: "", principalId: alice };
const at = new Date("2026-11-21T08:00:00Z");
const live = { ...session, createdAt: at, refreshedAt: at, idleExpiresAt: at, absoluteExpiresAt: at };
const other = { ...live, id: "0198f000-0000-7000-8000-0000000000f2" };

interface Setup {
  readonly state?: string;
  /** Of the database, when the credential is read, and that which the transaction makes of it. */
  readonly generation?: number;
  readonly raised?: number;
  readonly sessions?: readonly (typeof live)[];
}

/** One person: `alice`, called Ada Lovelace, with the password `mellon99` and two sessions. */
function door({
  state = "active",
  generation = 0,
  raised = generation + 1,
  sessions: all = [live, other],
}: Setup = {}) {
  const subjectKeys = fakeSubjectKeys();
  const names = Buffer.from(JSON.stringify({ login_name: "alice", display_name: "Ada Lovelace" }));
  const stored: unknown[][] = [];
  const database = scriptedDatabase({
    "auth.own_credential": async ([id]) => [
      {
        principal_id: id,
        password: fakeSealer.seal("pepper", place, Buffer.from(cheapPhc("mellon99"))),
        pepper_version: 1,
        profile: (await subjectKeys.seal(alice, profile, names)).sealed,
        state,
        generation,
      },
    ],
    "auth.raise_generation": () => [{ generation: raised }],
    "auth.change_password": (parameters) => {
      stored.push([...parameters]);
      return [];
    },
  });
  const hasher = countingHasher();
  const sessions = fakeSessions(all);
  const change = createChangePassword({
    reader: database,
    passwords: createPasswords({ hasher, strength: strongEnough, sealer: fakeSealer, minLength: 8 }),
    standings: { fresh: async () => ({ ...caller.standing, generation }) },
    generations,
    subjectKeys,
    sessions,
  });
  async function attempt(
    currentPassword: string,
    newPassword = "speak friend 7",
    as: Partial<Principal> = {},
    onGuess = (_loginName: string) => {},
  ) {
    const call = fakeCall({ principal: { ...caller, ...as }, unitOfWork: database.unitOfWork, onGuess });
    const request = create(ChangePasswordRequestSchema, { currentPassword, newPassword });
    return { outcome: await change(request, call).catch((error: unknown) => error), audit: call.audit };
  }
  return { attempt, hasher, sessions, database, stored };
}

describe("ChangePassword", () => {
  it("TOK-09 ends every session, and answers with a new one of the next generation", async () => {
    const { attempt, sessions, database, stored, hasher } = door();
    const { outcome, audit } = await attempt("mellon99");
    expect(outcome).toMatchObject({ endedSessions: 2, tokens: { sessionId: `ses_${fakeSessionId}` } });
    expect(sessions.ended.map(({ sessionId, reason }) => [sessionId, reason])).toEqual([
      [live.id, "PASSWORD_CHANGED"],
      [other.id, "PASSWORD_CHANGED"],
    ]);
    expect(sessions.stored).toEqual([fakeSessionId]);
    expect(sessions.succeeded[0]).toMatchObject({
      former: { id: alice, sessionId: live.id },
      standing: { principalId: alice, generation: 1 },
      authenticationMethods: ["pwd"],
      authenticationContext: "aal1",
    });
    expect(database.announced.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      `principal ${alice}`,
      `subject ${alice}:1`,
    ]);
    expect(hasher.hashed).toEqual(["speak friend 7"]);
    const [id, sealed, pepperVersion, changedAt] = stored[0] ?? [];
    expect([id, pepperVersion, changedAt]).toEqual([alice, 1, "2026-11-21T08:00:00.000Z"]);
    expect(fakeSealer.open("pepper", place, sealed as Buffer).toString()).toBe(cheapPhc("speak friend 7"));
    expect(audit).toMatchObject({
      actor: { id: alice, sessionId: live.id },
      resources: [{ type: "session", uid: `ses_${fakeSessionId}` }],
      details: { ended_sessions: 2 },
    });
  });

  it.each(["", "mellon98", "MELLON99"])(
    "PWD-10 a token alone changes nothing: %j in place of the current password",
    async (wrong) => {
      const { attempt, database, hasher, sessions } = door();
      expect((await attempt(wrong)).outcome).toMatchObject({ reason: "CURRENT_PASSWORD_WRONG", code: 9 });
      expect(hasher.verified).toHaveLength(1);
      expect(hasher.hashed).toEqual([]);
      expect(sessions.succeeded).toEqual([]);
      expect(database.commits()).toBe(0);
    },
  );

  it("PWD-10 says nothing of the new password to whoever lacks the current one", async () => {
    const { attempt } = door();
    expect((await attempt("mellon98", "short")).outcome).toMatchObject({ reason: "CURRENT_PASSWORD_WRONG" });
    expect((await attempt("mellon98", "mellon99")).outcome).toMatchObject({ reason: "CURRENT_PASSWORD_WRONG" });
  });

  it("PWD-12 asks the limiter by the login name, before anything is hashed", async () => {
    const { attempt, hasher } = door();
    const guessed: string[] = [];
    const limited = new GatehouseError("RATE_LIMITED", { retryAfterMs: 1_000 });
    const { outcome } = await attempt("mellon99", undefined, {}, (name) => {
      guessed.push(name);
      throw limited;
    });
    expect(outcome).toBe(limited);
    expect(guessed).toEqual(["alice"]);
    expect(hasher.verified).toEqual([]);
  });

  it("PWD-20 passes on when the lane is full", async () => {
    const { attempt, hasher, database } = door();
    hasher.verify = () => Promise.reject(new GatehouseError("LOGIN_BUSY", { retryAfterMs: 700 }));
    expect((await attempt("mellon99")).outcome).toMatchObject({ reason: "LOGIN_BUSY", retryAfterMs: 700 });
    expect(database.commits()).toBe(0);
  });

  const unacceptable: readonly (readonly [string, string, string])[] = [
    ["too short", "short", "must have at least 8 characters"],
    ["too long", "x".repeat(1_025), "must have at most 1024 bytes"],
    ["made of the login name", "alice2026!", "is made of"],
    ["made of the display name", "Lovelace-Ada-1", "is made of"],
    ["the current one", "mellon99", "must not be the current password"],
  ];

  it.each(unacceptable)(
    "PWD-06 PWD-07 M-05 judges the new password as Register does: %s",
    async (_title, password, description) => {
      const { attempt, hasher, database } = door();
      const { outcome } = await attempt("mellon99", password);
      const violations = [{ field: "new_password", description: expect.stringContaining(description) }];
      expect(outcome).toMatchObject({ reason: "PASSWORD_UNACCEPTABLE", violations });
      expect(hasher.hashed).toEqual([]);
      expect(database.commits()).toBe(0);
    },
  );

  const strangers: readonly (readonly [string, Partial<Principal>])[] = [
    ["a service account", { kind: "service_account", sessionId: undefined }],
    ["a service account with the claim of a session", { kind: "service_account" }],
    ["a token without a session", { sessionId: undefined }],
    ["whoever acts for the person", { delegated: true }],
  ];

  it.each(strangers)("TOK-18 refuses %s, the right password in hand", async (_title, as) => {
    const { attempt, hasher, database } = door();
    expect((await attempt("mellon99", undefined, as)).outcome).toMatchObject({ reason: "PERSON_REQUIRED", code: 7 });
    expect(database.asked).toEqual([]);
    expect(hasher.verified).toEqual([]);
  });

  const over = { reason: "CREDENTIAL_INVALID", auditReason: "TOKEN_REVOKED", code: 16 };
  const ended: readonly (readonly [string, Setup])[] = [
    ["a person disabled this moment", { state: "disabled" }],
    ["a generation that this process has yet to hear of", { generation: 1 }],
    ["a session that ended", { sessions: [other] }],
  ];

  it.each(ended)("TOK-08 refuses a token that is dead in the database: %s", async (_title, setup) => {
    const { attempt, database } = door(setup);
    expect((await attempt("mellon99")).outcome).toMatchObject(over);
    expect(database.commits()).toBe(0);
  });

  it("TOK-09 is undone when another change, or anything else that ended the session, was first", async () => {
    const raced = door({ raised: 2 });
    expect((await raced.attempt("mellon99")).outcome).toMatchObject(over);
    expect(raced.stored).toEqual([]);
    expect(raced.database.commits()).toBe(0);
    const loggedOut = door();
    loggedOut.sessions.endAll = async () => [other.id];
    expect((await loggedOut.attempt("mellon99")).outcome).toMatchObject(over);
    expect(loggedOut.database.commits()).toBe(0);
  });

  it("P-05 tells the passwords to nobody", async () => {
    for (const current of ["mellon99", "a-password-to-look-for"]) {
      const { outcome, audit } = await door().attempt(current, "another-one-to-look-for");
      const stack = outcome instanceof Error ? outcome.stack : "";
      expect(inspect([outcome, stack, audit], { depth: 9 })).not.toMatch(/mellon99|to-look-for/);
    }
  });
});
