// CreateClientSecret: shown once, kept as a keyed hash, two side by side and never three.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  CreateClientSecretRequestSchema,
  type CreateClientSecretResponse,
} from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { describe, expect, it } from "vitest";
import { createCreateClientSecret } from "../../../../src/auth/client/create-client-secret.ts";
import { isCredentialText } from "../../../../src/auth/domain/credential-text.ts";
import { clientSecretMac } from "../../../../src/auth/known-clients/known-clients.ts";
import { callTime } from "../../../fakes/call.ts";
import { fakeMacs } from "../../../fakes/sealing.ts";
import { account, aSecret, bounds, type ClientSetup, clientWorld, settled, till } from "./client-world.ts";

async function make(
  setup: ClientSetup = {},
  request: Omit<MessageInitShape<typeof CreateClientSecretRequestSchema>, "$typeName"> = {},
) {
  const world = clientWorld({ client: till, ...setup });
  const handler = createCreateClientSecret({ macs: fakeMacs, bounds });
  const message = create(CreateClientSecretRequestSchema, { clientId: "till", ...request });
  const outcome = await settled(handler(message, world.call));
  return { ...world, outcome: outcome as CreateClientSecretResponse };
}

describe("CreateClientSecret", () => {
  it("TOK-25 TOK-11 shows a secret that scanners know, and keeps its hash and its beginning alone", async () => {
    const { outcome, written, call } = await make();
    const { secret, clientSecret } = outcome;
    expect(isCredentialText("client_secret", secret)).toBe(true);
    expect(clientSecret).toMatchObject({ hint: secret.slice(0, 12), secretId: expect.stringMatching(/^cls_/) });
    const [, , hash] = written["auth.insert_client_secret"] ?? [];
    expect(hash).toEqual(clientSecretMac(fakeMacs, "till", secret).value);
    expect(JSON.stringify([written, call.audit])).not.toContain(secret);
    expect((await make()).outcome.secret).not.toBe(secret);
  });

  it("TOK-25 lets two work and refuses a third", async () => {
    expect((await make({ secrets: [aSecret()] })).outcome).toMatchObject({ secret: expect.any(String) });
    expect((await make({ secrets: [aSecret(), aSecret()] })).outcome).toMatchObject({
      reason: "CLIENT_SECRET_LIMIT_REACHED",
    });
  });

  it("TOK-25 ends the other one after the overlap, which may be none", async () => {
    const { written } = await make({}, { overlap: { seconds: 3_600n } });
    expect(written["auth.end_client_secrets"]).toEqual([
      "till",
      new Date(callTime.getTime() + 3_600_000).toISOString(),
    ]);
    expect((await make({}, { overlap: {} })).written["auth.end_client_secrets"]).toEqual([
      "till",
      callTime.toISOString(),
    ]);
    expect((await make()).written["auth.end_client_secrets"]).toBeUndefined();
  });

  it("TOK-25 ends when it is asked to, and that lies ahead", async () => {
    const inAnHour = new Date(callTime.getTime() + 3_600_000);
    const { outcome } = await make({}, { expireTime: timestampFromDate(inAnHour) });
    expect(outcome).toMatchObject({ clientSecret: { expireTime: timestampFromDate(inAnHour) } });
    for (const expireTime of [timestampFromDate(callTime), { seconds: 2n ** 60n, nanos: 0 }]) {
      expect((await make({}, { expireTime } as never)).outcome).toMatchObject({
        violations: [{ field: "expire_time" }],
      });
    }
  });

  it("AZ-05 is refused to whoever lacks what the client's account holds", async () => {
    const client = { ...till, logins: false, principalId: account, scopes: ["*"] };
    const setup = { client, accountHolds: ["secrets.read"] };
    expect((await make({ ...setup, held: ["audit.read"] })).outcome).toMatchObject({
      reason: "CREDENTIAL_EXCEEDS_OWN",
    });
    expect((await make(setup)).outcome).toMatchObject({ secret: expect.any(String) });
  });

  it("refuses a public client, and none", async () => {
    expect((await make({ client: { ...till, confidential: false } })).outcome).toMatchObject({
      reason: "CLIENT_PUBLIC",
    });
    expect((await make({ client: undefined })).outcome).toMatchObject({ reason: "CLIENT_NOT_FOUND" });
  });
});
