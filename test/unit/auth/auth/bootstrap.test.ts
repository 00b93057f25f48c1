// Bootstrap: the order of things. Tokens and races are tested on the real database.
import { create } from "@bufbuild/protobuf";
import { BootstrapRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { describe, expect, it } from "vitest";
import { createBootstrap } from "../../../../src/auth/auth/bootstrap.ts";
import type { BootstrapTokens } from "../../../../src/auth/auth/bootstrap-token.ts";
import { createNewcomers } from "../../../../src/auth/auth/newcomer.ts";
import { createPasswords } from "../../../../src/auth/password/passwords.ts";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { countingHasher, strongEnough } from "../../../fakes/passwords.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeMacs, fakeSealer } from "../../../fakes/sealing.ts";
import { fakeSessions } from "../../../fakes/sessions.ts";
import { fakeSubjectKeys } from "../../../fakes/subject-keys.ts";
import { silentLogger } from "../../../fixtures/silent-logger.ts";

const refused = new GatehouseError("BOOTSTRAP_REFUSED");

function gate(tokens: Partial<BootstrapTokens> = {}) {
  const database = scriptedDatabase();
  const hasher = countingHasher();
  const sessions = fakeSessions();
  const passwords = createPasswords({ hasher, strength: strongEnough, sealer: fakeSealer, minLength: 8 });
  const bootstrap = createBootstrap({
    tokens: {
      ensure: async () => undefined,
      recover: async () => "",
      check: async () => async () => "bootstrap",
      tidy: async () => {},
      ...tokens,
    },
    prepareNewcomer: createNewcomers({ passwords, subjectKeys: fakeSubjectKeys(), macs: fakeMacs }),
    sessions,
    logger: silentLogger,
  });
  async function attempt(password = "mellon99") {
    const call = fakeCall({ unitOfWork: database.unitOfWork });
    const request = create(BootstrapRequestSchema, { bootstrapToken: "t", loginName: "root", password });
    return { outcome: await bootstrap(request, call).catch((error: unknown) => error), audit: call.audit };
  }
  return { attempt, database, hasher, sessions };
}

describe("Bootstrap", () => {
  it("PWD-22 makes a person with the admin grant and a first session, in one commit", async () => {
    const { attempt, database, sessions } = gate();
    const { outcome, audit } = await attempt();
    expect(outcome).toMatchObject({ tokens: { accessToken: "access" } });
    expect(database.commits()).toBe(1);
    expect(database.asked).toEqual([
      "auth.insert_principal",
      "auth.insert_person",
      "auth.drop_expired_grant",
      "auth.insert_grant",
    ]);
    expect(sessions.stored).toHaveLength(1);
    expect(sessions.prepared[0]?.standing).toMatchObject({ active: true, roles: ["admin"] });
    expect(database.announced).toMatchObject([{ kind: "principal" }]);
    expect(audit).toMatchObject({ actor: { kind: "person" }, details: { token: "bootstrap" } });
  });

  it("PWD-22 does no work on a password for a token that does not work", async () => {
    const { attempt, hasher } = gate({ check: () => Promise.reject(refused) });
    expect((await attempt()).outcome).toBe(refused);
    expect(hasher.hashed).toEqual([]);
  });

  it("PWD-22 makes nobody when the token was used meanwhile", async () => {
    const { attempt, database } = gate({ check: async () => () => Promise.reject(refused) });
    const { outcome, audit } = await attempt();
    expect(outcome).toBe(refused);
    expect(database.asked).toEqual([]);
    expect(audit.actor).toMatchObject({ kind: "anonymous" });
  });

  it("keeps the token for another try when the password is refused", async () => {
    const { attempt, database } = gate();
    expect((await attempt("short")).outcome).toMatchObject({ reason: "PASSWORD_UNACCEPTABLE" });
    expect(database.commits()).toBe(0);
  });

  it("succeeds even if the file of the token cannot be removed", async () => {
    const { attempt } = gate({ tidy: () => Promise.reject(new Error("read-only file system")) });
    expect((await attempt()).outcome).toMatchObject({ tokens: {} });
  });
});
