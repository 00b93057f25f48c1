// The second part: who may open what. Nobody by default; a grant on a prefix allows, a deny beats it, owners may.
import { randomBytes } from "node:crypto";
import { Effect } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import type { Gatehouse } from "../../clients/typescript/src/index.ts";
import { expect, refused } from "./narrator.ts";
import type { Run } from "./story.ts";

/** Opens the secret and compares it, without ever showing it. */
async function reads(reader: Gatehouse, path: string, value: Uint8Array): Promise<string> {
  const answer = await reader.secrets.getSecret({ path });
  expect(Buffer.from(answer.value).equals(value), "the value is not the one that was stored");
  return `version ${answer.version?.version}, the value that was stored`;
}

async function tellRefusal({ administrator, narrator, folder }: Run, person: Gatehouse): Promise<Uint8Array> {
  const path = `${folder}/database`;
  const { value } = await narrator.step("The administrator stores a secret", async () => {
    const value = randomBytes(32);
    const { version } = await administrator.secrets.putSecret({ path, value, expectedVersion: 0 });
    expect(version?.version === 1, `the first version is ${version?.version}`);
    return { seen: `${path}, version 1`, value };
  });
  await narrator.step("The person, holding nothing, asks for it", async () => {
    const { reason, code } = await refused(person.secrets.getSecret({ path }), "PERMISSION_DENIED");
    return { seen: `refused, ${reason} ${code}`, value: undefined };
  });
  return value;
}

async function tellGrants({ administrator, narrator, folder }: Run, person: Gatehouse, id: string, value: Uint8Array) {
  const path = `${folder}/database`;
  const viewer = { principalId: id, role: "viewer" };
  await narrator.step(`The administrator grants viewer on secrets/${folder}`, async () => {
    await administrator.grants.createGrant({ ...viewer, resource: `secrets/${folder}` });
    return { seen: `the person reads it: ${await reads(person, path, value)}`, value: undefined };
  });
  const { value: deny } = await narrator.step("The administrator denies viewer on the secret itself", async () => {
    const denied = { ...viewer, resource: `secrets/${path}`, effect: Effect.DENY };
    const { grant } = await administrator.grants.createGrant(denied);
    const { reason } = await refused(person.secrets.getSecret({ path }), "PERMISSION_DENIED");
    return { seen: `the deny wins, ${reason}`, value: grant?.grantId ?? "" };
  });
  await narrator.step("The administrator takes the deny back", async () => {
    await administrator.grants.deleteGrant({ grantId: deny });
    return { seen: `the person reads it again: ${await reads(person, path, value)}`, value: undefined };
  });
}

async function tellOwnership({ administrator, narrator, folder }: Run, person: Gatehouse, principalId: string) {
  const own = `${folder}/notes/mine`;
  const value = randomBytes(16);
  const resource = `secrets/${folder}/notes`;
  await narrator.step(
    "With editor on a folder, the person creates a secret there; then editor is taken back",
    async () => {
      const { grant } = await administrator.grants.createGrant({ principalId, role: "editor", resource });
      await person.secrets.putSecret({ path: own, value });
      await administrator.grants.deleteGrant({ grantId: grant?.grantId ?? "" });
      const { reason } = await refused(
        person.secrets.putSecret({ path: `${folder}/notes/other`, value }),
        "PERMISSION_DENIED",
      );
      return { seen: `nothing new can be made there, ${reason}`, value: undefined };
    },
  );
  await narrator.step("The person still owns what it created", async () => {
    const { version } = await person.secrets.putSecret({ path: own, value, expectedVersion: 1 });
    expect(version?.version === 2, `the second version is ${version?.version}`);
    return { seen: `writes and reads ${await reads(person, own, value)}`, value: undefined };
  });
  await narrator.step("The person writes it again, believing version 1 to be the newest", async () => {
    const call = person.secrets.putSecret({ path: own, value, expectedVersion: 1 });
    const { reason } = await refused(call, "SECRET_VERSION_CONFLICT");
    return { seen: `refused, ${reason}`, value: undefined };
  });
}

export async function tellSecrets(run: Run, person: Gatehouse, principalId: string): Promise<void> {
  const value = await tellRefusal(run, person);
  await tellGrants(run, person, principalId, value);
  await tellOwnership(run, person, principalId);
}
