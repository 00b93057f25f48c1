// Who may open what, from registration on: nothing for newcomers, a grant on a prefix allows, a deny beats it, owners may.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gatehouse } from "../../../clients/typescript/src/index.ts";
import { Effect } from "../../../gen/ts/gatehouse/auth/v1/grant_service_pb.js";
import type { GatehouseProcess } from "./gatehouse-process.ts";
import {
  bootstrap,
  clientOf,
  type Installation,
  makeInstallation,
  type Person,
  register,
  visitorOf,
} from "./installation.ts";

async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => "allowed",
    (error: { reason: string }) => error.reason,
  );
}

describe("people on an installation where anyone may register", () => {
  let installation: Installation;
  let server: GatehouseProcess;
  let administrator: Gatehouse;
  let administratorId: string;
  let administratorSession: string;
  let nextName = 0;

  beforeAll(async () => {
    installation = await makeInstallation({ GATEHOUSE_REGISTRATION: "open" });
    server = await installation.start();
    const first = await bootstrap(installation.dataDir, visitorOf(server));
    administratorId = first.principalId;
    administratorSession = first.tokens.sessionId;
    administrator = clientOf(server, first.tokens.accessToken);
    for (const path of ["team-a/database", "team-a/deep/er", "team-ab/database", "solo"]) {
      await administrator.secrets.putSecret({ path, value: Buffer.from(path) });
    }
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  async function newcomer(): Promise<Person & { readonly client: Gatehouse }> {
    nextName += 1;
    const account = { loginName: `person-${nextName}`, password: `a quiet harbour at dawn ${nextName}` };
    const person = await register(visitorOf(server), account);
    return { ...person, client: clientOf(server, person.tokens.accessToken) };
  }

  const grant = (principalId: string, role: string, resource: string, effect = Effect.ALLOW) =>
    administrator.grants.createGrant({ principalId, role, resource, effect });

  it("AZ-02 P-02 refuses a newcomer every secret and everybody else's data", async () => {
    const { client, principalId } = await newcomer();
    const other = await newcomer();
    const path = "team-a/database";
    const asked = {
      get: client.secrets.getSecret({ path }),
      missing: client.secrets.getSecret({ path: "no/such/secret" }),
      put: client.secrets.putSecret({ path, value: Buffer.from("x") }),
      create: client.secrets.putSecret({ path: "mine/first", value: Buffer.from("x") }),
      list: client.secrets.listSecrets({}),
      versions: client.secrets.listSecretVersions({ path }),
      delete: client.secrets.deleteSecret({ path, versions: [1] }),
      undelete: client.secrets.undeleteSecret({ path, versions: [1] }),
      destroy: client.secrets.destroySecret({ path, versions: [1] }),
      sessions: client.sessions.listSessions({ principalId: administratorId }),
      revoke: client.sessions.revokeSession({ principalId: administratorId, sessionId: administratorSession }),
      grants: client.grants.listGrants({ principalId: administratorId }),
      raise: client.grants.createGrant({ principalId, role: "admin", resource: "secrets" }),
      befriend: client.grants.createGrant({ principalId: other.principalId, role: "viewer", resource: "secrets" }),
      invite: client.directory.createInvitation({}),
      audit: client.audit.queryEvents({}),
      append: client.audit.appendEvent({ source: "shop", name: "order.placed" }),
    };
    const outcomes = Object.entries(asked).map(async ([name, call]) => [name, await outcomeOf(call)] as const);
    const refused = Object.keys(asked).map((name) => [name, "PERMISSION_DENIED"] as const);
    expect(Object.fromEntries(await Promise.all(outcomes))).toEqual(Object.fromEntries(refused));

    // Another's token looks dead and cannot be ended; what is one's own is there.
    for (const token of [other.tokens.accessToken, other.tokens.refreshToken]) {
      expect(await client.tokens.introspect({ token })).toMatchObject({ active: false, reason: "", subject: "" });
      await client.tokens.revoke({ token });
    }
    expect((await other.client.auth.whoAmI({})).principalId).toBe(other.principalId);
    expect((await client.sessions.listSessions({})).sessions).toHaveLength(1);
    expect((await client.auth.whoAmI({})).principalId).toBe(principalId);
  });

  it("AZ-06 gives a viewer of a prefix what lies below it, to read, and nothing beside it", async () => {
    const { client, principalId } = await newcomer();
    await grant(principalId, "viewer", "secrets/team-a");
    for (const path of ["team-a/database", "team-a/deep/er"]) {
      expect(Buffer.from((await client.secrets.getSecret({ path })).value).toString()).toBe(path);
    }
    for (const path of ["team-ab/database", "solo", "team-a"]) {
      const reason = await outcomeOf(client.secrets.getSecret({ path }));
      expect({ path, reason }).toEqual({ path, reason: path === "team-a" ? "SECRET_NOT_FOUND" : "PERMISSION_DENIED" });
    }
    const { secrets } = await client.secrets.listSecrets({});
    expect(secrets.map(({ path }) => path)).toEqual(["team-a/database", "team-a/deep/er"]);
    const write = client.secrets.putSecret({ path: "team-a/database", value: Buffer.from("x") });
    expect(await outcomeOf(write)).toBe("PERMISSION_DENIED");
  });

  it("lets the owner of a secret read and write it, and only it", async () => {
    const { client, principalId } = await newcomer();
    const editor = await grant(principalId, "editor", "secrets/workshop");
    await client.secrets.putSecret({ path: "workshop/own", value: Buffer.from("mine") });
    await administrator.grants.deleteGrant({ grantId: editor.grant?.grantId ?? "" });

    expect(Buffer.from((await client.secrets.getSecret({ path: "workshop/own" })).value).toString()).toBe("mine");
    expect(await outcomeOf(client.secrets.putSecret({ path: "workshop/own", value: Buffer.from("2") }))).toBe(
      "allowed",
    );
    const beside = client.secrets.putSecret({ path: "workshop/other", value: Buffer.from("x") });
    expect(await outcomeOf(beside)).toBe("PERMISSION_DENIED");
  });

  it("lets a deny beat a grant and ownership alike, at once, and its end give them back", async () => {
    const { client, principalId } = await newcomer();
    await grant(principalId, "viewer", "secrets/team-a");
    await grant(principalId, "editor", "secrets/desk");
    await client.secrets.putSecret({ path: "desk/own", value: Buffer.from("mine") });
    const reads = async () => [
      await outcomeOf(client.secrets.getSecret({ path: "team-a/database" })),
      await outcomeOf(client.secrets.getSecret({ path: "desk/own" })),
    ];
    expect(await reads()).toEqual(["allowed", "allowed"]);

    const denies = [
      await grant(principalId, "viewer", "secrets/team-a/database", Effect.DENY),
      await grant(principalId, "viewer", "secrets/desk/own", Effect.DENY),
    ];
    expect(await reads()).toEqual(["PERMISSION_DENIED", "PERMISSION_DENIED"]);
    expect(await outcomeOf(client.secrets.getSecret({ path: "team-a/deep/er" }))).toBe("allowed");

    for (const { grant: deny } of denies) {
      await administrator.grants.deleteGrant({ grantId: deny?.grantId ?? "" });
    }
    expect(await reads()).toEqual(["allowed", "allowed"]);
  });
});

describe("registration", () => {
  it("is refused without an invitation by default, and to everyone when it is off", async () => {
    await using installation = await makeInstallation();
    const account = { loginName: "eve", password: "a quiet harbour at dawn" };
    const invites = await installation.start();
    const first = await bootstrap(installation.dataDir, visitorOf(invites));
    expect(await outcomeOf(visitorOf(invites).auth.register(account))).toBe("INVITATION_INVALID");
    const invited = await clientOf(invites, first.tokens.accessToken).directory.createInvitation({});
    await invites.stop();
    const off = await installation.start({ GATEHOUSE_REGISTRATION: "off" });
    const late = visitorOf(off).auth.register({ ...account, invitation: invited.invitation });
    expect(await outcomeOf(late)).toBe("REGISTRATION_CLOSED");
  });
});
