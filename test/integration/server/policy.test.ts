// The rule of access on the real command: networks and roles that change while it serves, streams that end with their
// credential, and what is told of the contracts to whom.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "@gatehouse/proto/grpc/reflection/v1/reflection_pb.js";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import type { Gatehouse } from "../../../clients/typescript/src/index.ts";
import { lastOtherwise } from "./beginnings.ts";
import { type GatehouseProcess, runGatehouse } from "./gatehouse-process.ts";
import {
  bootstrap,
  clientOf,
  type Installation,
  logIn,
  makeInstallation,
  register,
  visitorOf,
} from "./installation.ts";
import { openMint } from "./minted-tokens.ts";

const path = `/${ServerReflection.typeName}/ServerReflectionInfo`;

/** A reflection stream that stays open, as an engineer's tool holds it. */
function reflect(address: string, token?: string) {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const stream = client.makeBidiStreamRequest(
    path,
    (request: Uint8Array) => Buffer.from(request),
    (bytes: Buffer) => fromBinary(ServerReflectionResponseSchema, bytes),
    metadata,
  );
  const ended = new Promise<number>((resolve) => {
    stream.on("error", ({ code = 2 }: { code?: number }) => resolve(code));
    stream.on("end", () => resolve(0));
  }).finally(() => client.close());
  const list = () =>
    stream.write(
      toBinary(
        ServerReflectionRequestSchema,
        create(ServerReflectionRequestSchema, { messageRequest: { case: "listServices", value: "" } }),
      ),
    );
  const answered = new Promise<readonly string[]>((resolve) => {
    stream.once("data", (answer: ReturnType<typeof fromBinary<typeof ServerReflectionResponseSchema>>) => {
      const { messageResponse } = answer;
      resolve(
        messageResponse.case === "listServicesResponse" ? messageResponse.value.service.map(({ name }) => name) : [],
      );
    });
  });
  list();
  return { answered, ended, close: () => stream.end() };
}

const reasonOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "allowed",
    (error: { reason: string }) => error.reason,
  );

const people = { loginName: "bea", password: "a quiet harbour at dawn 1" };

describe("reflection", () => {
  it("RPC-03 AZ-07 AZ-11 answers callers with a live token only, and ends with it within a second, when it is told to", async () => {
    await using installation = await makeInstallation({ GATEHOUSE_REFLECTION: "authenticated" });
    const server = await installation.start();
    const anonymous = reflect(server.address);
    expect(await anonymous.ended).toBe(16);
    const { tokens, ...account } = await bootstrap(installation.dataDir, visitorOf(server));
    const other = await logIn(visitorOf(server), account);
    const [dying, living] = [
      reflect(server.address, tokens.accessToken),
      reflect(server.address, other.tokens.accessToken),
    ];
    expect(await dying.answered).toContain("gatehouse.auth.v1.AuthService");
    await living.answered;
    await clientOf(server, tokens.accessToken).auth.logout({});
    const begun = performance.now();
    expect(await dying.ended).toBe(16);
    expect(performance.now() - begun).toBeLessThan(1_000);
    living.close();
    expect(await living.ended).toBe(0);
  });

  it("RPC-03 AZ-11 is not there when it is off", async () => {
    await using installation = await makeInstallation({ GATEHOUSE_REFLECTION: "off" });
    const server = await installation.start();
    expect(await reflect(server.address).ended).toBe(12);
  });
});

describe("the networks of administration", () => {
  it("P-15 close what changes who may do what, open with a reload, and touch nothing else", async () => {
    await using installation = await makeInstallation({ GATEHOUSE_REGISTRATION: "open" });
    const file = join(installation.scratch, "settings");
    await writeFile(file, "GATEHOUSE_ADMIN_NETWORKS=10.0.0.0/8\n");
    const server = await installation.start({ GATEHOUSE_SETTINGS_FILE: file });
    const first = await bootstrap(installation.dataDir, visitorOf(server));
    const { principalId } = await register(visitorOf(server), people);
    const administrator = clientOf(server, first.tokens.accessToken);
    const grant = () =>
      reasonOf(administrator.grants.createGrant({ principalId, role: "viewer", resource: "secrets/a" }));
    expect(await grant()).toBe("NETWORK_NOT_ALLOWED");
    expect(await reasonOf(administrator.grants.listGrants({ principalId }))).toBe("allowed");
    const own = administrator.sessions.revokeSession({ sessionId: first.tokens.sessionId });
    await writeFile(file, "GATEHOUSE_ADMIN_NETWORKS=10.0.0.0/8,127.0.0.0/8\n");
    expect(await reasonOf(own)).toBe("allowed");
    const again = await logIn(visitorOf(server), first);
    const renewed = clientOf(server, again.tokens.accessToken);
    server.signal("SIGHUP");
    const grantNow = () => reasonOf(renewed.grants.createGrant({ principalId, role: "viewer", resource: "secrets/a" }));
    expect(await lastOtherwise(grantNow, "allowed")).toBeLessThan(5_000);
  });
});

describe("a login of long ago", () => {
  it("P-15 changes nobody's access and does everything else, until its holder logs in again", async () => {
    await using installation = await makeInstallation();
    const server = await installation.start();
    const { tokens, principalId, ...account } = await bootstrap(installation.dataDir, visitorOf(server));
    const mint = await openMint(installation.dataDir);
    const { header, claims } = mint.read(tokens.accessToken);
    const loggedIn = Number(claims.auth_time);
    const aged = (hours: number) => mint.sign(header, { ...claims, auth_time: loggedIn - hours * 3_600 });
    const role = (name: string) => ({ name, permissions: ["secrets.read"] });
    const old = clientOf(server, await aged(13));
    const refused = await old.grants.createRole(role("reader")).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      reason: "STEP_UP_REQUIRED",
      grpcCode: 16,
      metadata: { max_age_seconds: "43200" },
    });
    expect(await reasonOf(old.grants.listGrants({ principalId }))).toBe("allowed");
    expect(await reasonOf(old.secrets.putSecret({ path: "a/b", value: Buffer.from("v") }))).toBe("allowed");
    expect(await reasonOf(clientOf(server, await aged(11)).grants.createRole(role("reader")))).toBe("allowed");
    const again = await logIn(visitorOf(server), account);
    expect(await reasonOf(clientOf(server, again.tokens.accessToken).grants.createRole(role("other")))).toBe("allowed");
  });
});

describe("administrators who need a second factor", () => {
  it("CLM-11 change nobody's access by a password alone, are told what is asked, and are let in with both", async () => {
    await using installation = await makeInstallation();
    const first = await installation.start();
    const { tokens, principalId } = await bootstrap(installation.dataDir, visitorOf(first));
    const { serviceAccounts, grants } = clientOf(first, tokens.accessToken);
    const robot =
      (await serviceAccounts.createServiceAccount({ displayName: "robot" })).serviceAccount?.principalId ?? "";
    await grants.createGrant({ principalId: robot, role: "admin" });
    const { secret } = await serviceAccounts.createApiKey({ principalId: robot, displayName: "ci" });
    await first.stop();

    const server = await installation.start({ GATEHOUSE_STEP_UP_SECOND_FACTOR: "administrators" });
    const mint = await openMint(installation.dataDir);
    const { header, claims } = mint.read(tokens.accessToken);
    const role = (name: string) => ({ name, permissions: ["secrets.read"] });
    const create = (token: string, name: string) =>
      clientOf(server, token)
        .grants.createRole(role(name))
        .catch((error: unknown) => error);
    const asked = {
      reason: "STEP_UP_REQUIRED",
      grpcCode: 16,
      metadata: { acr_values: "aal2", max_age_seconds: "43200" },
    };
    expect(claims).toMatchObject({ amr: ["pwd"], acr: "aal1" });
    expect(await create(tokens.accessToken, "by-password")).toMatchObject(asked);
    expect(await create(await mint.sign(header, { ...claims, acr: "aal2" }), "by-claim")).toMatchObject(asked);
    const path = "gatehouse.auth.v1.GrantService/CreateRole";
    const answer = await fetch(`${server.webAddress}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${tokens.accessToken}` },
      body: JSON.stringify(role("by-web")),
    });
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
      401,
      'Bearer realm="gatehouse", error="insufficient_user_authentication", acr_values="aal2", max_age="43200"',
    ]);
    const both = await mint.sign(header, { ...claims, amr: ["pwd", "otp"], acr: "aal2" });
    expect(await create(both, "by-both")).toMatchObject({ role: { name: "by-both" } });
    const { issued } = await visitorOf(server).tokens.issueToken({ credential: { case: "apiKey", value: secret } });
    expect(await create(issued?.accessToken ?? "", "by-machine")).toMatchObject({ role: { name: "by-machine" } });
    const explained = { method: path, resource: "" };
    const { explainAccess } = clientOf(server, tokens.accessToken).grants;
    expect(await explainAccess(explained)).toMatchObject({ decision: 7, secondFactorNarrows: true });
    expect(await explainAccess({ ...explained, principalId: robot })).toMatchObject({ secondFactorNarrows: false });
    // What changes nobody's access is not asked for it.
    expect(await reasonOf(clientOf(server, tokens.accessToken).grants.listGrants({ principalId }))).toBe("allowed");
  });

  it("CLM-11 are not served under a setting that means nothing", async () => {
    await using installation = await makeInstallation({ GATEHOUSE_STEP_UP_SECOND_FACTOR: "everybody" });
    await expect(installation.start()).rejects.toThrow(/GATEHOUSE_STEP_UP_SECOND_FACTOR/);
  });
});

describe("a role that changes", () => {
  async function withReader(
    installation: Installation,
    work: (server: GatehouseProcess, administrator: Gatehouse, reader: Gatehouse, readerId: string) => Promise<void>,
  ) {
    const server = await installation.start();
    const first = await bootstrap(installation.dataDir, visitorOf(server));
    const administrator = clientOf(server, first.tokens.accessToken);
    const person = await register(visitorOf(server), people);
    await administrator.secrets.putSecret({ path: "a/db", value: Buffer.from("v") });
    await administrator.grants.createRole({ name: "reader", permissions: ["secrets.read"] });
    await administrator.grants.createGrant({ principalId: person.principalId, role: "reader", resource: "secrets/a" });
    await work(server, administrator, clientOf(server, person.tokens.accessToken), person.principalId);
  }

  it("P-02 P-13 counts for tokens that are out within a second, and is explained, also when nothing is served", async () => {
    await using installation = await makeInstallation({ GATEHOUSE_REGISTRATION: "open" });
    let id = "";
    await withReader(installation, async (server, administrator, reader, readerId) => {
      id = readerId;
      const read = () => reasonOf(reader.secrets.getSecret({ path: "a/db" }));
      expect(await read()).toBe("allowed");
      await administrator.grants.updateRole({ name: "reader", permissions: ["secrets.list"] });
      expect(await lastOtherwise(read, "PERMISSION_DENIED")).toBeLessThan(1_000);
      expect(await reader.grants.explainAccess({ permission: "secrets.read", resource: "secrets/a/db" })).toMatchObject(
        {
          decision: 2,
        },
      );
      await server.stop();
    });
    const words = (permission: string) => [
      ...["policy", "explain", "ListSecretVersions", "--principal", id],
      ...["--resource", "secrets/a/db", "--permission", permission],
    ];
    const listing = await runGatehouse(installation.environment, words("secrets.list"));
    expect({ code: listing.code, last: listing.stdout.trim().split("\n").at(-1) }).toEqual({
      code: 0,
      last: expect.stringMatching(
        /^ {2}prn_.* secrets\.list on secrets\/a\/db: yes: grt_.* gives it: role reader on secrets\/a, without end$/,
      ),
    });
    const own = await runGatehouse(installation.environment, ["policy", "explain", "ListSessions", "--principal", id]);
    expect(own.stdout).toContain(`sessions.list on principals/${id}: yes: about itself no grant is asked for`);
    const reading = await runGatehouse(installation.environment, words("secrets.read"));
    expect(reading.stdout).toContain("secrets.read on secrets/a/db: no: no grant says anything about it");
  });
});
