// UpdateClient: only what the mask names, checked as a whole, and what must die dies.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ClientSettingsSchema,
  RefreshRotation,
  UpdateClientRequestSchema,
  type UpdateClientResponse,
} from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { describe, expect, it } from "vitest";
import { createUpdateClient } from "../../../../src/auth/client/update-client.ts";
import { account, bounds, type ClientSetup, clientWorld, settled, till } from "./client-world.ts";

async function update(
  settings: MessageInitShape<typeof ClientSettingsSchema>,
  paths: string[] = [],
  setup: ClientSetup = {},
) {
  const world = clientWorld({ client: till, ...setup });
  const request = create(UpdateClientRequestSchema, { clientId: "till", settings, updateMask: { paths } });
  const outcome = await settled(createUpdateClient({ bounds })(request, world.call));
  return { ...world, outcome };
}

const actor = { ...till, logins: false, principalId: account };

describe("UpdateClient", () => {
  it("changes what the mask names and leaves the rest", async () => {
    const { outcome, database } = await update({ scopes: ["orders.read"], audiences: ["other"] }, ["scopes"]);
    expect(outcome).toMatchObject({
      client: { settings: { scopes: ["orders.read"], audiences: ["shop"], logins: true } },
    });
    expect(database.announced).toMatchObject([{ kind: "client", key: "till:1" }]);
  });

  it("without a mask changes what is set", async () => {
    const { outcome } = await update({ displayName: "Till", refreshRotation: RefreshRotation.OFF });
    expect(outcome).toMatchObject({
      client: { settings: { displayName: "Till", refreshRotation: RefreshRotation.OFF, scopes: till.scopes } },
    });
  });

  it("takes back what is named and not set", async () => {
    const client = { ...till, accessTokenLifetimeMs: 60_000, encryptionKey: { kty: "EC" } };
    const { outcome, written } = await update({}, ["access_token_lifetime", "encryption_key"], { client });
    const { client: answered } = outcome as UpdateClientResponse;
    expect(answered?.settings?.accessTokenLifetime).toBeUndefined();
    expect(answered?.settings?.encryptionKey).toBeUndefined();
    expect(written["auth.update_client"]?.slice(7, 13)).toEqual([null, null, null, "rotate", "none", null]);
  });

  it("CVE-2026-27946 reaches nothing but the settings", async () => {
    for (const path of ["client_id", "confidential", "generation", "settings.scopes", "", "constructor", "__proto__"]) {
      const { outcome, database } = await update({ scopes: ["x"] }, [path]);
      expect(outcome).toMatchObject({ reason: "REQUEST_INVALID", violations: [{ field: "update_mask.paths[0]" }] });
      expect(database.asked).toEqual([]);
    }
    expect((await update({})).outcome).toMatchObject({ violations: [{ field: "update_mask" }] });
  });

  it("J-05 refuses what makes no sense together with what stands", async () => {
    const { outcome, database } = await update({}, ["logins"]);
    expect(outcome).toMatchObject({ reason: "REQUEST_INVALID", violations: [{ field: "settings.logins" }] });
    expect(database.announced).toEqual([]);
    const client = { ...till, confidential: false };
    expect((await update({ exchange: true }, [], { client })).outcome).toMatchObject({
      violations: [{ field: "settings.exchange" }],
    });
  });

  it("TOK-08 ends what was handed out when it is disabled, and not again when it goes on", async () => {
    const stop = await update({ disabled: true });
    expect(stop.database.announced).toMatchObject([{ kind: "client", key: "till:2" }]);
    expect(stop.call.audit.details).toMatchObject({ tokens_ended: true, settings: { disabled: true } });
    const client = { ...till, disabled: true, generation: 2 };
    const go = await update({}, ["disabled"], { client });
    expect(go.database.announced).toMatchObject([{ kind: "client", key: "till:2" }]);
    expect(go.call.audit.details).toMatchObject({ tokens_ended: false });
  });

  it("TOK-08 stops a client that the installation's settings have since made senseless", async () => {
    const client = { ...till, accessTokenLifetimeMs: 2 * bounds.accessTokenLifetimeMs };
    expect((await update({ disabled: true }, [], { client })).outcome).toMatchObject({ client: {} });
    expect((await update({ scopes: ["x"] }, [], { client })).outcome).toMatchObject({
      violations: [{ field: "settings.access_token_lifetime" }],
    });
  });

  it("AZ-05 lets nobody widen a client that is a service account beyond what they hold, but anybody stop it", async () => {
    const setup = {
      client: { ...actor, scopes: ["orders.read"] },
      accountHolds: ["secrets.read"],
      held: ["orders.read"],
    };
    expect((await update({ scopes: ["*"] }, [], setup)).outcome).toMatchObject({ reason: "CREDENTIAL_EXCEEDS_OWN" });
    expect((await update({ disabled: true }, [], setup)).outcome).toMatchObject({ client: {} });
    expect((await update({ scopes: ["*"] }, [], { ...setup, held: ["*"] })).outcome).toMatchObject({ client: {} });
  });

  it("TOK-08 another service account ends what was handed out as the one before", async () => {
    const client = { ...actor, principalId: "01890000-0000-7000-8000-0000000000cc" };
    const { database } = await update({ serviceAccountId: `prn_${account}` }, [], { client, accountHolds: [] });
    expect(database.announced).toMatchObject([{ kind: "client", key: "till:2" }]);
  });

  it("says when there is none", async () => {
    expect((await update({ disabled: true }, [], { client: undefined })).outcome).toMatchObject({
      reason: "CLIENT_NOT_FOUND",
    });
  });
});
