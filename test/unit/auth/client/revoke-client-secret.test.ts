// RevokeClientSecret: the secret ends; what was handed out ends when asked.
import { create } from "@bufbuild/protobuf";
import { RevokeClientSecretRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { describe, expect, it } from "vitest";
import { createRevokeClientSecret } from "../../../../src/auth/client/revoke-client-secret.ts";
import { aSecret, bounds, type ClientSetup, clientWorld, secretId, settled, till } from "./client-world.ts";

async function revoke(setup: ClientSetup, request: { secretId?: string; endTokens?: boolean } = {}) {
  const world = clientWorld({ client: till, ...setup });
  const message = create(RevokeClientSecretRequestSchema, {
    clientId: "till",
    secretId: `cls_${secretId}`,
    ...request,
  });
  return { ...world, outcome: await settled(createRevokeClientSecret({ bounds })(message, world.call)) };
}

describe("RevokeClientSecret", () => {
  it("TOK-25 ends the secret everywhere and leaves what was handed out", async () => {
    const { database, written, call } = await revoke({ secrets: [aSecret()] });
    expect(database.announced).toMatchObject([{ kind: "client", key: "till:1" }]);
    expect(written["auth.end_tokens_of_client"]).toBeUndefined();
    expect(call.audit).toMatchObject({
      resources: [{ uid: "till" }, { type: "client_secret", uid: `cls_${secretId}` }],
      details: { tokens_ended: false },
    });
  });

  it("TOK-08 ends what was handed out as well when it is asked to", async () => {
    const { database, written } = await revoke({ secrets: [aSecret()] }, { endTokens: true });
    expect(database.announced).toMatchObject([{ kind: "client", key: "till:2" }]);
    expect(written["auth.end_tokens_of_client"]?.[0]).toBe("till");
  });

  it("says when there is no such secret or client, and does nothing then", async () => {
    const { outcome, database } = await revoke({}, { endTokens: true });
    expect(outcome).toMatchObject({ reason: "CLIENT_SECRET_NOT_FOUND" });
    expect(database.commits()).toBe(0);
    expect((await revoke({ client: undefined })).outcome).toMatchObject({ reason: "CLIENT_NOT_FOUND" });
    expect((await revoke({}, { secretId: "ses_x" })).outcome).toMatchObject({ violations: [{ field: "secret_id" }] });
  });
});
