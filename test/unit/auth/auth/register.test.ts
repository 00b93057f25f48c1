// Register: by what right, and in which order things are told.
import { create } from "@bufbuild/protobuf";
import { RegisterRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { describe, expect, it } from "vitest";
import { createNewcomers } from "../../../../src/auth/auth/newcomer.ts";
import { createRegister, type RegistrationMode } from "../../../../src/auth/auth/register.ts";
import { makeOneTimeToken } from "../../../../src/auth/domain/one-time-token.ts";
import { createPasswords } from "../../../../src/auth/password/passwords.ts";
import { UniqueViolation } from "../../../../src/kernel/database.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { countingHasher, strongEnough } from "../../../fakes/passwords.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeMacs, fakeSealer } from "../../../fakes/sealing.ts";
import { fakeSubjectKeys } from "../../../fakes/subject-keys.ts";

interface Setup {
  readonly usable?: boolean;
  readonly taken?: boolean;
  readonly justUsed?: boolean;
}

const invitation = makeOneTimeToken("invitation");
const invitationId = "0198f000-0000-7000-8000-00000000000c";

function office(mode: RegistrationMode, { usable = true, taken = false, justUsed = false }: Setup = {}) {
  const database = scriptedDatabase({
    "auth.usable_invitation": () => (usable ? [{ id: invitationId }] : []),
    "auth.take_invitation": () => (justUsed ? [] : [{ id: invitationId }]),
    "auth.insert_person": () => {
      if (taken) throw new UniqueViolation("person_login_name_index_key");
      return [];
    },
  });
  const hasher = countingHasher();
  const subjectKeys = fakeSubjectKeys();
  const passwords = createPasswords({ hasher, strength: strongEnough, sealer: fakeSealer, minLength: 8 });
  const prepareNewcomer = createNewcomers({ passwords, subjectKeys, macs: fakeMacs });
  const register = createRegister({ mode, reader: database, macs: fakeMacs, prepareNewcomer });
  async function attempt(more: { invitation?: string; loginName?: string; password?: string } = {}) {
    const call = fakeCall({ unitOfWork: database.unitOfWork });
    const request = create(RegisterRequestSchema, { loginName: "alice", password: "mellon99", ...more });
    return { outcome: await register(request, call).catch((error: unknown) => error), audit: call.audit };
  }
  return { attempt, hasher, database, subjectKeys };
}

describe("Register", () => {
  it("is closed when it is off, whatever is presented", async () => {
    const { attempt, hasher } = office("off");
    expect((await attempt({ invitation })).outcome).toMatchObject({ reason: "REGISTRATION_CLOSED", code: 7 });
    expect(hasher.hashed).toEqual([]);
  });

  it("makes a person with an invitation, sealed under a key of its own, and grants nothing", async () => {
    const { attempt, database, subjectKeys } = office("invite");
    const { outcome, audit } = await attempt({ invitation });
    const id = subjectKeys.stored[0];
    expect(outcome).toMatchObject({ principalId: `prn_${id}` });
    expect(audit).toMatchObject({
      actor: { id, kind: "person" },
      subjectId: id,
      personal: { loginName: "alice" },
      resources: [
        { type: "invitation", uid: `inv_${invitationId}` },
        { type: "principal", uid: `prn_${id}` },
      ],
    });
    expect(database.asked.filter((name) => name.includes("grant"))).toEqual([]);
  });

  it("PWD-14 gives every invitation that does not work one answer, before work on the password", async () => {
    const outcomes = [
      await office("invite").attempt(),
      await office("invite").attempt({ invitation: "ghi_tooshort" }),
      await office("invite").attempt({ invitation: makeOneTimeToken("bootstrap") }),
      await office("invite", { usable: false }).attempt({ invitation }),
      await office("invite", { justUsed: true }).attempt({ invitation }),
      await office("invite", { usable: false, taken: true }).attempt({ invitation }),
    ].map(({ outcome }) => outcome as Error & { reason: string });
    expect(new Set(outcomes.map(({ reason, message }) => `${reason} ${message}`)).size).toBe(1);
    expect(outcomes[0]).toMatchObject({ reason: "INVITATION_INVALID" });
    const unusable = office("invite", { usable: false });
    await unusable.attempt({ invitation });
    expect(unusable.hasher.hashed).toEqual([]);
  });

  it("PWD-14 tells that a name is taken only after the same work, and records nobody", async () => {
    const { attempt, hasher } = office("invite", { taken: true });
    const { outcome, audit } = await attempt({ invitation });
    expect(outcome).toMatchObject({ reason: "LOGIN_NAME_TAKEN", code: 6 });
    expect(hasher.hashed).toEqual(["mellon99"]);
    expect(audit).toMatchObject({ actor: { kind: "anonymous" }, subjectId: undefined });
  });

  it("needs no invitation when it is open", async () => {
    expect((await office("open").attempt()).outcome).toMatchObject({ principalId: expect.stringMatching(/^prn_/) });
  });

  it("PWD-06 PWD-07 M-05 refuses a bad password before anything is stored", async () => {
    const { attempt, database } = office("open");
    const short = (await attempt({ password: "short" })).outcome;
    expect(short).toMatchObject({ reason: "PASSWORD_UNACCEPTABLE", violations: [{ field: "password" }] });
    const own = (await attempt({ password: "alicealice" })).outcome;
    expect(own).toMatchObject({ reason: "PASSWORD_UNACCEPTABLE", violations: [{ field: "password" }] });
    expect(database.commits()).toBe(0);
  });

  it("P-03 refuses a name that nobody could tell from another", async () => {
    const { outcome } = await office("open").attempt({ loginName: "ali\u200bce" });
    expect(outcome).toMatchObject({ reason: "REQUEST_INVALID", violations: [{ field: "login_name" }] });
  });

  it("CVE-2025-61928 takes no id of a principal from the request", () => {
    const names = RegisterRequestSchema.fields.map(({ name }) => name);
    expect(names.filter((name) => /principal|user|owner|role|grant/.test(name))).toEqual([]);
  });

  it("PWD-09 asks for no hint and no security question", () => {
    const names = RegisterRequestSchema.fields.map(({ name }) => name);
    expect(names.filter((name) => /hint|question|answer/.test(name))).toEqual([]);
  });
});
