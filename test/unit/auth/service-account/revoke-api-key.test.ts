// RevokeApiKey: ends a key of this account, and says so to every replica.
import { create } from "@bufbuild/protobuf";
import { RevokeApiKeyRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createRevokeApiKey } from "../../../../src/auth/service-account/revoke-api-key.ts";
import { type AccountsSetup, accountsWorld, cart, keyId } from "./accounts-world.ts";

async function revoke(setup: AccountsSetup = {}, apiKeyId = `key_${keyId}`) {
  const world = accountsWorld(setup);
  const request = create(RevokeApiKeyRequestSchema, { principalId: cart, apiKeyId });
  const outcome = await createRevokeApiKey()(request, world.call).catch((error: unknown) => error);
  return { ...world, outcome };
}

describe("RevokeApiKey", () => {
  it("TOK-25 announces the end for as long as a token of the key may live", async () => {
    const { database, call } = await revoke();
    expect(database.announced).toEqual([
      { kind: "credential", key: keyId, expiresAt: new Date(call.now.getTime() + 86_460_000) },
    ]);
    expect(call.audit.resources).toEqual([
      { type: "principal", uid: cart },
      { type: "api_key", uid: `key_${keyId}` },
    ]);
  });

  it("is refused for another account's key, and for an id that is none", async () => {
    const { outcome, database } = await revoke({ key: null });
    expect(outcome).toMatchObject({ reason: "API_KEY_NOT_FOUND" });
    expect(database.announced).toEqual([]);
    expect((await revoke({}, "key_x")).outcome).toMatchObject({ reason: "REQUEST_INVALID" });
  });
});
