// Login: whatever is wrong, the same work and the same answer.
import { create } from "@bufbuild/protobuf";
import { type LoginRequest, LoginRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { describe, expect, it } from "vitest";
import { createLogin } from "../../../../src/auth/auth/login.ts";
import { createPasswords } from "../../../../src/auth/password/passwords.ts";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import type { Standing } from "../../../../src/kernel/principal.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { aClient, fakeClients } from "../../../fakes/clients.ts";
import { cheapPhc, countingHasher, strongEnough } from "../../../fakes/passwords.ts";
import { alice } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeMacs, fakeSealer } from "../../../fakes/sealing.ts";
import { fakeSessionId, fakeSessions } from "../../../fakes/sessions.ts";
import { fakeSubjectKeys } from "../../../fakes/subject-keys.ts";

interface Setup {
  readonly state?: "active" | "disabled";
  readonly cost?: string;
  readonly standing?: Partial<Standing> | undefined;
}

const indexOf = (name: string) => fakeMacs.mac("blind-index", ["person.login_name", name]).value;

type Wanted = Partial<Pick<LoginRequest, "scopes" | "audience" | "clientId" | "clientSecret">>;

/** One person: `alice` with the password `mellon99`. */
function door({ state = "active", cost, standing = {} }: Setup = {}) {
  const row = {
    principal_id: alice,
    password: fakeSealer.seal(
      "pepper",
      { kind: "person.password", id: alice },
      Buffer.from(cheapPhc("mellon99", cost)),
    ),
    pepper_version: 1,
    state,
    generation: 1,
  };
  const database = scriptedDatabase({
    "auth.credential": ([indexes]) => ((indexes as Buffer[]).some((one) => one.equals(indexOf("alice"))) ? [row] : []),
  });
  const known: Standing = {
    principalId: alice,
    kind: "person",
    active: true,
    generation: 1,
    roles: [],
    grants: [],
    ...standing,
  };
  const hasher = countingHasher();
  const sessions = fakeSessions();
  const subjectKeys = fakeSubjectKeys();
  const login = createLogin({
    reader: database,
    macs: fakeMacs,
    passwords: createPasswords({ hasher, strength: strongEnough, sealer: fakeSealer, minLength: 8 }),
    standings: { peek: () => undefined, of: async () => known, fresh: async () => known },
    subjectKeys,
    sessions,
    clients: fakeClients(
      aClient,
      { ...aClient, id: "till", confidential: true },
      { ...aClient, id: "robot", logins: false },
    ),
  });
  async function attempt(loginName: string, password: string, more: Wanted = {}) {
    const call = fakeCall({ unitOfWork: database.unitOfWork });
    const request = create(LoginRequestSchema, { loginName, password, deviceName: "laptop", ...more });
    const outcome = await login(request, call).catch((error: unknown) => error);
    return { outcome, audit: call.audit };
  }
  return { attempt, hasher, sessions, database };
}

const failures: readonly (readonly [string, string, string, string, Setup])[] = [
  ["an unknown name", "nobody", "mellon99", "UNKNOWN_LOGIN_NAME", {}],
  ["a wrong password", "alice", "mellon98", "WRONG_PASSWORD", {}],
  ["an empty password", "alice", "", "WRONG_PASSWORD", {}],
  ["a disabled person", "alice", "mellon99", "PRINCIPAL_DISABLED", { state: "disabled" }],
  ["a disabled person and a wrong password", "alice", "wrong", "WRONG_PASSWORD", { state: "disabled" }],
  ["a person disabled this moment", "alice", "mellon99", "PRINCIPAL_DISABLED", { standing: { active: false } }],
  ["a password that was changed meanwhile", "alice", "mellon99", "REVOKED_MEANWHILE", { standing: { generation: 2 } }],
];

describe("Login", () => {
  it("F-02 M-04 opens a session for the right password, and says so in the record", async () => {
    const { attempt, sessions, hasher } = door();
    const { outcome, audit } = await attempt("alice", "mellon99");
    expect(outcome).toMatchObject({
      principalId: `prn_${alice}`,
      outcome: { case: "tokens", value: { accessToken: "access", sessionId: `ses_${fakeSessionId}` } },
    });
    expect(sessions.stored).toEqual([fakeSessionId]);
    expect(sessions.sealed[0]?.toString()).toBe(`${alice}|session.device|${fakeSessionId}||laptop`);
    expect(sessions.prepared[0]).toMatchObject({
      authenticationMethods: ["pwd"],
      clientId: "gatehouse",
      audience: undefined,
    });
    expect(hasher.verified).toHaveLength(1);
    expect(audit).toMatchObject({
      actor: { id: alice, kind: "person", sessionId: fakeSessionId },
      subjectId: alice,
      personal: { loginName: "alice" },
      resources: [{ type: "session", uid: `ses_${fakeSessionId}` }],
    });
  });

  it.each(failures)("PWD-14 T-08 costs exactly one hashing for %s", async (_title, name, password, reason, setup) => {
    const { attempt, hasher, sessions, database } = door(setup);
    const { outcome, audit } = await attempt(name, password);
    expect(outcome).toMatchObject({ reason: "LOGIN_FAILED", code: 16, auditReason: reason });
    expect(hasher.verified).toHaveLength(1);
    expect(hasher.verified[0]?.phc).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=2\$/);
    expect(hasher.hashed).toEqual([]);
    expect(sessions.stored).toEqual([]);
    expect(database.commits()).toBe(0);
    expect(audit).toMatchObject({ actor: { id: "", kind: "anonymous" }, personal: { loginName: name } });
    expect(audit.subjectId).toBe(name === "alice" ? alice : undefined);
  });

  it("PWD-14 CVE-2026-23511 gives one answer to all of them", async () => {
    const answers = await Promise.all(
      failures.map(async ([, name, password, , setup]) => {
        const { outcome } = await door(setup).attempt(name, password);
        const { reason, code, message, metadata, violations, retryAfterMs } = outcome as GatehouseError;
        return JSON.stringify({ reason, code, message, metadata, violations, retryAfterMs });
      }),
    );
    expect(new Set(answers).size).toBe(1);
  });

  it("P-05 tells the password to nobody", async () => {
    const { outcome, audit } = await door().attempt("alice", "a-password-to-look-for");
    expect(JSON.stringify([outcome, (outcome as Error).stack, audit])).not.toContain("a-password-to-look-for");
  });

  it.each(["Alice", "ALICE", "ａｌｉｃｅ"])("finds the person under the name written %s", async (name) => {
    expect((await door().attempt(name, "mellon99")).outcome).toMatchObject({ principalId: `prn_${alice}` });
  });

  it("PWD-04 folds nothing in the password", async () => {
    for (const wrong of ["Mellon99", "mellon99 ", "mellon99\0"]) {
      expect((await door().attempt("alice", wrong)).outcome).toMatchObject({ reason: "LOGIN_FAILED" });
    }
  });

  it("PWD-18 M-04 stores a stronger hash in the commit of the login", async () => {
    const { attempt, hasher, database } = door({ cost: "m=19456,t=2,p=1" });
    const { outcome, audit } = await attempt("alice", "mellon99");
    expect(outcome).toMatchObject({ principalId: `prn_${alice}` });
    expect(hasher.hashed).toEqual(["mellon99"]);
    expect(database.asked).toContain("auth.replace_password_form");
    expect(audit.details).toEqual({ password_renewed: true });
  });

  it("PWD-18 a full lane costs the renewal and not the login", async () => {
    const { attempt, hasher, database } = door({ cost: "m=19456,t=2,p=1" });
    hasher.hash = () => Promise.reject(new GatehouseError("LOGIN_BUSY", { retryAfterMs: 100 }));
    expect((await attempt("alice", "mellon99")).outcome).toMatchObject({ principalId: `prn_${alice}` });
    expect(database.asked).not.toContain("auth.replace_password_form");
  });

  it("PWD-20 passes on when the lane is full", async () => {
    const { attempt, hasher } = door();
    hasher.verify = () => Promise.reject(new GatehouseError("LOGIN_BUSY", { retryAfterMs: 700 }));
    const busy = { reason: "LOGIN_BUSY", code: 8, retryAfterMs: 700 };
    expect((await attempt("alice", "mellon99")).outcome).toMatchObject(busy);
    expect((await attempt("nobody", "mellon99")).outcome).toMatchObject(busy);
  });

  it("refuses scopes that would be several in a token, before any work", async () => {
    const { attempt, hasher } = door();
    const { outcome } = await attempt("alice", "mellon99", { scopes: ["secrets.read", "audit.read *"] });
    expect(outcome).toMatchObject({ reason: "REQUEST_INVALID", violations: [{ field: "scopes[1]" }] });
    expect(hasher.verified).toEqual([]);
  });

  it("hands scopes and audience on to the session", async () => {
    const { attempt, sessions } = door();
    await attempt("alice", "mellon99", { scopes: ["secrets.read"], audience: "shop" });
    expect(sessions.prepared[0]).toMatchObject({ scopes: ["secrets.read"], audience: "shop" });
  });

  it("F-08 a login that cannot be stored is recorded as nobody's", async () => {
    const { attempt, sessions } = door();
    const { prepare } = sessions;
    sessions.prepare = async (...asked) => ({
      ...(await prepare(...asked)),
      store: () => Promise.reject(new GatehouseError("DATABASE_UNAVAILABLE")),
    });
    const { outcome, audit } = await attempt("alice", "mellon99");
    expect(outcome).toMatchObject({ reason: "DATABASE_UNAVAILABLE" });
    expect(audit.actor).toMatchObject({ id: "", kind: "anonymous" });
  });
});

describe("Login through a client", () => {
  const through = (clientId: string, more: Wanted = {}) => ({ clientId, ...more });

  it("TOK-05 opens a session of that client, within what it may have", async () => {
    const { attempt, sessions } = door();
    const { audit } = await attempt("alice", "mellon99", through("shop"));
    expect(sessions.prepared[0]).toMatchObject({
      clientId: "shop",
      client: { id: "shop", generation: 1 },
      audience: "shop",
      scopes: ["orders.read", "orders.write"],
    });
    expect(audit.actor).toMatchObject({ id: alice, clientId: "shop" });
    await attempt("alice", "mellon99", through("till", { clientSecret: "till-secret", scopes: ["orders.read"] }));
    expect(sessions.prepared[1]).toMatchObject({ clientId: "till", scopes: ["orders.read"] });
  });

  it("F-02 is the built-in one when it is named or nobody is", async () => {
    const { attempt, sessions } = door();
    await attempt("alice", "mellon99", through("gatehouse"));
    expect(sessions.prepared[0]).toMatchObject({ clientId: "gatehouse", client: undefined, scopes: [] });
  });

  const refusals: readonly (readonly [string, Wanted, object])[] = [
    ["an unknown client", through("nobody"), { reason: "CLIENT_INVALID" }],
    ["a wrong secret", through("till", { clientSecret: "wrong" }), { reason: "CLIENT_INVALID" }],
    ["a confidential client without its secret", through("till"), { reason: "CLIENT_INVALID" }],
    ["a secret without a client", { clientSecret: "till-secret" }, { reason: "CLIENT_INVALID" }],
    ["the built-in client with a secret", through("gatehouse", { clientSecret: "x" }), { reason: "CLIENT_INVALID" }],
    ["a client that logs nobody in", through("robot"), { reason: "CLIENT_NOT_ALLOWED" }],
    [
      "an audience that is not the client's",
      through("shop", { audience: "gatehouse" }),
      { reason: "AUDIENCE_UNKNOWN" },
    ],
    [
      "a scope that is not the client's",
      through("shop", { scopes: ["secrets.read"] }),
      { reason: "SCOPE_EXCEEDS_GRANT" },
    ],
    ["no narrowing at all", through("shop", { scopes: ["*"] }), { reason: "SCOPE_EXCEEDS_GRANT" }],
  ];

  it.each(refusals)(
    "TOK-05 TOK-19 refuses %s before anything of the person is looked at",
    async (_title, more, error) => {
      const { attempt, hasher, sessions, database } = door();
      const { outcome, audit } = await attempt("alice", "mellon99", more);
      expect(outcome).toMatchObject(error);
      expect(hasher.verified).toEqual([]);
      expect(database.asked).toEqual([]);
      expect(sessions.prepared).toEqual([]);
      expect(audit.subjectId).toBeUndefined();
    },
  );
});
