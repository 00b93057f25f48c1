// Clients on the real database: what races, what a stolen or moved row is worth, and how fast a change reaches the memory of
// another replica.
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { ClientService, type CreateClientResponse } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { uuidv7 } from "../../../src/kernel/ids.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { bootstrap, type House, openHouse } from "./house.ts";

let house: House;
let root: { principalId: string; caller: Principal };
beforeEach(async () => {
  house = await openHouse();
  root = await bootstrap(house);
});
afterEach(() => house.close());

const {
  createClient,
  getClient,
  listClients,
  updateClient,
  deleteClient,
  createClientSecret,
  listClientSecrets,
  revokeClientSecret,
} = ClientService.method;

const settings = { logins: true, audiences: ["shop"], scopes: ["orders.read"] };

function make(clientId: string, more: object = {}, confidential = true): Promise<CreateClientResponse> {
  return house.call(createClient, { clientId, confidential, settings: { ...settings, ...more } }, root.caller);
}

async function secretOf(clientId: string, more: object = {}): Promise<string> {
  return (await house.call(createClientSecret, { clientId, ...more }, root.caller)).secret;
}

const authenticate = (clientId: string, secret: string, at = house) =>
  at.clients.authenticate(clientId, secret, house.clock.time);
const refused = { reason: "CLIENT_INVALID", code: 16 };

/** What the server does right after each own commit. */
const hear = (at = house) => at.clients.onFeed(house.database.committed);

async function serviceAccount(): Promise<string> {
  const id = uuidv7(house.clock.time);
  const now = house.clock.time.toISOString();
  await house.database.asOwner("insert into principal values ($1, 'service_account', 'active', 1, $2)", [id, now]);
  await house.database.asOwner("insert into service_account values ($1, 'till', $2, $3, $2)", [
    id,
    now,
    root.caller.id,
  ]);
  return id;
}

describe("a client", () => {
  it("M-01 J-05 J-10 is shown as it was made, every setting of it", async () => {
    const account = await serviceAccount();
    const encryptionKey = {
      kty: "EC",
      crv: "P-256",
      x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
      y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    };
    const whole = {
      displayName: "The till",
      exchange: true,
      serviceAccountId: `prn_${account}`,
      audiences: ["shop", "https://billing.example/api"],
      scopes: ["orders.read", "orders:write"],
      accessTokenLifetime: { seconds: 300n },
      refreshTokenLifetime: { seconds: 86_400n },
      algorithm: "PS256",
      refreshRotation: 2,
      senderConstraint: 3,
      encryptionKey,
      displayNameClaim: true,
    };
    const { client } = await make("till", whole);
    expect(client?.settings).toMatchObject({
      ...whole,
      encryptionKey: { ...encryptionKey, alg: "ECDH-ES", use: "enc" },
    });
    expect((await house.call(getClient, { clientId: "till" }, root.caller)).client).toEqual(client);
    expect(await house.clients.find("till", house.clock.time)).toMatchObject({
      generation: 1,
      principalId: account,
      accessTokenLifetimeMs: 300_000,
      refreshTokenLifetimeMs: 86_400_000,
      algorithm: "PS256",
      refreshRotation: "off",
      senderConstraint: "mtls",
      encryptionKey: { x: encryptionKey.x, kid: expect.stringMatching(/^[\w-]{43}$/) },
    });
  });

  it("is listed with the others, page by page, until it is deleted", async () => {
    for (const id of ["b-2", "a-1", "b-1"]) await make(id);
    const first = await house.call(listClients, { pageSize: 2 }, root.caller);
    expect(first.clients.map(({ clientId }) => clientId)).toEqual(["a-1", "b-1"]);
    const second = await house.call(listClients, { pageSize: 2, pageToken: first.nextPageToken }, root.caller);
    expect(second.clients.map(({ clientId }) => clientId)).toEqual(["b-2"]);
    await house.call(deleteClient, { clientId: "b-1" }, root.caller);
    expect((await house.call(listClients, {}, root.caller)).clients.map(({ clientId }) => clientId)).toEqual([
      "a-1",
      "b-2",
    ]);
  });

  it("leaves its id to nobody", async () => {
    await make("shop");
    await expect(make("shop")).rejects.toMatchObject({ reason: "CLIENT_EXISTS" });
    await house.call(deleteClient, { clientId: "shop" }, root.caller);
    await expect(make("shop")).rejects.toMatchObject({ reason: "CLIENT_EXISTS" });
    for (const method of [getClient, deleteClient, listClientSecrets, createClientSecret]) {
      await expect(house.call(method, { clientId: "shop" }, root.caller)).rejects.toMatchObject({
        reason: "CLIENT_NOT_FOUND",
      });
    }
  });

  it("made twice at once is made once, and there are never more than there may be", async () => {
    const twice = await Promise.allSettled([make("shop"), make("shop")]);
    expect(twice.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    await house.database.asOwner(
      `insert into client select 'c' || n, 1, 'active', false, '', true, false, null, '{a}', '{b}', null, null, null, 'rotate',
        'none', null, false, $1, $1 from generate_series(1, 997) as n`,
      [house.clock.time.toISOString()],
    );
    const many = await Promise.allSettled(Array.from({ length: 6 }, (_, index) => make(`more-${index}`)));
    expect(many.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    for (const one of many.filter((made) => made.status === "rejected"))
      expect(one.reason).toMatchObject({ reason: "CLIENT_LIMIT_REACHED" });
  });

  it("CVE-2025-61928 acts as a service account that there is, and as no person", async () => {
    const machine = { logins: false, serviceAccountId: root.principalId };
    await expect(make("till", machine)).rejects.toMatchObject({ reason: "SERVICE_ACCOUNT_NOT_FOUND" });
    const account = await serviceAccount();
    await make("till", { ...machine, serviceAccountId: `prn_${account}` });
    expect(await house.clients.find("till", house.clock.time)).toMatchObject({ principalId: account });
  });
});

describe("a secret of a client", () => {
  it("TOK-25 lies nowhere in the database, and opens nothing once its row is moved to another client", async () => {
    await make("till");
    await make("safe");
    const secret = await secretOf("till");
    expect(await authenticate("till", secret)).toMatchObject({ id: "till" });
    const rows = await house.database.asOwner("select * from client_secret", []);
    const text = JSON.stringify(rows);
    expect(text).toContain(secret.slice(0, 12));
    expect(text).not.toContain(secret.slice(0, 13));
    expect(text).not.toContain(Buffer.from(secret).toString("hex"));
    await house.database.asOwner("update client_secret set client_id = 'safe'", []);
    house.clients.onFeed([{ kind: "client", key: "safe:1", expiresAt: house.clock.time }]);
    await expect(authenticate("safe", secret)).rejects.toMatchObject(refused);
    await expect(authenticate("till", secret)).rejects.toMatchObject(refused);
  });

  it("TOK-25 changes over to the next while both work", async () => {
    await make("till");
    const first = await secretOf("till");
    const second = await secretOf("till", { overlap: { seconds: 3_600n } });
    await authenticate("till", first);
    await authenticate("till", second);
    await expect(secretOf("till")).rejects.toMatchObject({ reason: "CLIENT_SECRET_LIMIT_REACHED" });
    house.clock.time = new Date(house.clock.time.getTime() + 3_600_000);
    await expect(authenticate("till", first)).rejects.toMatchObject(refused);
    await authenticate("till", second);
  });

  it("TOK-25 says when it was last used, and leaves it to the later of two replicas", async () => {
    await make("till");
    const secret = await secretOf("till");
    const replica = await house.replica();
    const lastUse = async () => {
      const { clientSecrets } = await house.call(listClientSecrets, { clientId: "till" }, root.caller);
      return clientSecrets[0]?.lastUseTime && timestampDate(clientSecrets[0].lastUseTime);
    };
    try {
      await authenticate("till", secret, replica);
      expect(await lastUse()).toBeUndefined();
      const later = new Date(house.clock.time.getTime() + 60_000);
      await house.clients.authenticate("till", secret, later);
      for (const one of [house, replica]) await one.clients.sweeps[0]?.run(later);
      expect(await lastUse()).toEqual(later);
    } finally {
      await replica.close();
    }
  });

  it("TOK-25 is one of two at most, however many are made at once", async () => {
    // More than one round, because connections that are still to be opened would keep the first one from being a race.
    for (let round = 0; round < 8; round += 1) {
      const clientId = `till-${round}`;
      await make(clientId);
      const made = await Promise.allSettled(Array.from({ length: 6 }, () => secretOf(clientId)));
      expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
      const { clientSecrets } = await house.call(listClientSecrets, { clientId }, root.caller);
      expect(clientSecrets).toHaveLength(2);
    }
  });

  it("TOK-25 is dead once it is revoked, and cannot be revoked twice or through another client", async () => {
    await make("till");
    await make("safe");
    const secret = await secretOf("till");
    const [known] = (await house.call(listClientSecrets, { clientId: "till" }, root.caller)).clientSecrets;
    const revoke = (clientId: string, endTokens = false) =>
      house.call(revokeClientSecret, { clientId, secretId: known?.secretId ?? "", endTokens }, root.caller);
    await expect(revoke("safe")).rejects.toMatchObject({ reason: "CLIENT_SECRET_NOT_FOUND" });
    await authenticate("till", secret);
    await revoke("till", true);
    hear();
    await expect(authenticate("till", secret)).rejects.toMatchObject(refused);
    expect(await house.clients.find("till", house.clock.time)).toMatchObject({ generation: 2 });
    await expect(revoke("till", true)).rejects.toMatchObject({ reason: "CLIENT_SECRET_NOT_FOUND" });
    expect(await house.clients.find("till", house.clock.time)).toMatchObject({ generation: 2 });
  });

  it("dies with its client, and comes back with no other", async () => {
    await make("till");
    const secret = await secretOf("till");
    await house.call(deleteClient, { clientId: "till" }, root.caller);
    await expect(authenticate("till", secret)).rejects.toMatchObject(refused);
    expect(await house.database.asOwner("select 1 from client_secret", [])).toEqual([]);
  });
});

describe("a change of a client", () => {
  it("TOK-08 reaches the memory of every replica that hears the feed", async () => {
    await make("till");
    const secret = await secretOf("till");
    const replica = await house.replica();
    try {
      for (const one of [house, replica]) await authenticate("till", secret, one);
      await house.call(updateClient, { clientId: "till", settings: { disabled: true } }, root.caller);
      hear();
      await expect(authenticate("till", secret)).rejects.toMatchObject(refused);
      // Not yet heard of.
      await authenticate("till", secret, replica);
      hear(replica);
      await expect(authenticate("till", secret, replica)).rejects.toMatchObject(refused);
      expect(await replica.clients.find("till", house.clock.time)).toMatchObject({ disabled: true, generation: 2 });
    } finally {
      await replica.close();
    }
  });

  it("TOK-08 that disables it ten times at once ends what was handed out once", async () => {
    await make("till");
    const stop = () => house.call(updateClient, { clientId: "till", settings: { disabled: true } }, root.caller);
    await Promise.all(Array.from({ length: 10 }, stop));
    expect(await house.clients.find("till", house.clock.time)).toMatchObject({ disabled: true, generation: 2 });
    await house.call(
      updateClient,
      { clientId: "till", updateMask: { paths: ["disabled"] }, settings: {} },
      root.caller,
    );
    hear();
    expect(await house.clients.find("till", house.clock.time)).toMatchObject({ disabled: false, generation: 2 });
  });

  it("loses nothing of another one that is made at the same time", async () => {
    await make("till");
    for (let round = 0; round < 8; round += 1) {
      const [scopes, audiences] = [[`scope.r${round}`], [`audience-${round}`]];
      await Promise.all([
        house.call(updateClient, { clientId: "till", settings: { scopes } }, root.caller),
        house.call(updateClient, { clientId: "till", settings: { audiences } }, root.caller),
      ]);
      const { client } = await house.call(getClient, { clientId: "till" }, root.caller);
      expect(client?.settings).toMatchObject({ scopes, audiences });
    }
  });

  it("SEC-04 is all that the application's login may write: no public client gets what needs a secret, and none goes", async () => {
    await make("phone", {}, false);
    const write = (text: string) =>
      house.database.writer.write({ name: `test.${text.replaceAll(/\W/g, "_")}`, text }, []);
    for (const text of [
      "update client set confidential = true",
      "update client set id = 'gatehouse'",
      "update client set created_at = updated_at",
      "delete from client",
      "truncate client",
      "update client_secret set secret_hash = ''",
      "update client_secret set client_id = 'phone'",
    ])
      await expect(write(text)).rejects.toMatchObject({ cause: { code: "42501" } });
    // Whatever the rules of the program come to one day.
    await expect(write("update client set exchange = true")).rejects.toMatchObject({ cause: { code: "23514" } });
    await expect(write("update client set refresh_rotation = 'off'")).rejects.toMatchObject({
      cause: { code: "23514" },
    });
  });

  it("commits with its record, or not at all", async () => {
    await make("till");
    await house.call(updateClient, { clientId: "till", settings: { scopes: ["orders.write"] } }, root.caller);
    const record = house.records.at(-1);
    expect(record).toMatchObject({
      resources: [{ type: "client", uid: "till" }],
      details: { settings: { scopes: ["orders.write"] }, settings_before: { scopes: ["orders.read"] } },
    });
    const before = house.records.length;
    await expect(
      house.call(updateClient, { clientId: "till", settings: { serviceAccountId: root.principalId } }, root.caller),
    ).rejects.toMatchObject({ reason: "SERVICE_ACCOUNT_NOT_FOUND" });
    expect(house.records).toHaveLength(before);
    expect(await house.clients.find("till", house.clock.time)).toMatchObject({ principalId: undefined, generation: 1 });
  });
});
