// CreateClient: what is kept of a client, what is refused before anything is written, and who may make one that is somebody.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { CreateClientRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { describe, expect, it } from "vitest";
import { createCreateClient } from "../../../../src/auth/client/create-client.ts";
import { UniqueViolation } from "../../../../src/kernel/database.ts";
import { account, bounds, type ClientSetup, clientWorld, settled } from "./client-world.ts";

const settings = { logins: true, audiences: ["shop"], scopes: ["orders.read"] };
const machine = { serviceAccountId: `prn_${account}`, audiences: ["gatehouse"], scopes: ["*"] };

async function make(request: MessageInitShape<typeof CreateClientRequestSchema>, setup: ClientSetup = {}) {
  const world = clientWorld(setup);
  const handler = createCreateClient({ bounds });
  const outcome = await settled(handler(create(CreateClientRequestSchema, request), world.call));
  return { ...world, outcome };
}

describe("CreateClient", () => {
  it("M-01 keeps what was asked for and tells every replica", async () => {
    const { outcome, database, call } = await make({
      clientId: "shop",
      confidential: true,
      settings: { ...settings, displayName: "The shop", accessTokenLifetime: { seconds: 300n }, algorithm: "EdDSA" },
    });
    expect(outcome).toMatchObject({
      client: {
        clientId: "shop",
        confidential: true,
        settings: { logins: true, displayName: "The shop", accessTokenLifetime: { seconds: 300n }, algorithm: "EdDSA" },
      },
    });
    expect(database.announced).toMatchObject([{ kind: "client", key: "shop:1" }]);
    expect(call.audit).toMatchObject({
      resources: [{ type: "client", uid: "shop" }],
      details: { confidential: true, settings: { scopes: ["orders.read"], access_token_lifetime_ms: 300_000 } },
    });
  });

  it("J-05 refuses what makes no sense before it asks the database, every fault with its field", async () => {
    const { outcome, database } = await make({
      clientId: "shop",
      settings: { exchange: true, serviceAccountId: `prn_${account}`, audiences: ["shop"] },
    });
    expect(outcome).toMatchObject({
      reason: "REQUEST_INVALID",
      violations: [
        { field: "settings.scopes" },
        { field: "settings.exchange" },
        { field: "settings.service_account_id" },
      ],
    });
    expect(database.asked).toEqual([]);
  });

  it("M-01 refuses lives that are not whole seconds, and none", async () => {
    for (const accessTokenLifetime of [
      { seconds: 300n, nanos: 1 },
      { seconds: 0n },
      { seconds: -60n },
      { seconds: 2n ** 62n },
    ]) {
      const { outcome } = await make({ clientId: "shop", settings: { ...settings, accessTokenLifetime } });
      expect(outcome).toMatchObject({ violations: [{ field: "settings.access_token_lifetime" }] });
    }
  });

  it("J-10 refuses a key that nobody could encrypt to, naming its member", async () => {
    const { outcome } = await make({ clientId: "shop", settings: { ...settings, encryptionKey: { kty: "oct" } } });
    expect(outcome).toMatchObject({ violations: [{ field: "settings.encryption_key.kty" }] });
  });

  it("refuses the id of the built-in client", async () => {
    expect((await make({ clientId: "gatehouse", settings })).outcome).toMatchObject({
      violations: [{ field: "client_id" }],
    });
  });

  it("AZ-05 makes one that is a service account for whoever holds what the account holds, within its scopes", async () => {
    const request = { clientId: "till", confidential: true, settings: machine };
    const setup = { accountHolds: ["secrets.read", "secrets.write"] };
    expect((await make(request, { ...setup, held: ["*"] })).outcome).toMatchObject({ client: { clientId: "till" } });
    const { outcome, database } = await make(request, { ...setup, held: ["secrets.read"] });
    expect(outcome).toMatchObject({ reason: "CREDENTIAL_EXCEEDS_OWN" });
    expect(database.commits()).toBe(0);
    const narrow = { ...request, settings: { ...machine, scopes: ["secrets.read"] } };
    expect((await make(narrow, { ...setup, held: ["secrets.read"] })).outcome).toMatchObject({ client: {} });
  });

  it("CVE-2025-61928 makes none that is a person, or nobody", async () => {
    const { outcome } = await make({ clientId: "till", confidential: true, settings: machine });
    expect(outcome).toMatchObject({ reason: "SERVICE_ACCOUNT_NOT_FOUND" });
  });

  it("refuses an id that is or was used, and more clients than a replica keeps in memory", async () => {
    const onInsert = () => {
      throw new UniqueViolation("client_pkey");
    };
    expect((await make({ clientId: "shop", settings }, { onInsert })).outcome).toMatchObject({
      reason: "CLIENT_EXISTS",
    });
    expect((await make({ clientId: "shop", settings }, { count: 1_000 })).outcome).toMatchObject({
      reason: "CLIENT_LIMIT_REACHED",
    });
    expect((await make({ clientId: "shop", settings }, { count: 999 })).outcome).toMatchObject({ client: {} });
  });
});
