// ListClientSecrets: enough to tell them apart, and no more.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ListClientSecretsRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { describe, expect, it } from "vitest";
import { createListClientSecrets } from "../../../../src/auth/client/list-client-secrets.ts";
import { aSecret, type ClientSetup, clientWorld, secretId, settled, till } from "./client-world.ts";

async function list(setup: ClientSetup) {
  const { database, call } = clientWorld(setup);
  const handler = createListClientSecrets({ reader: database });
  return settled(handler(create(ListClientSecretsRequestSchema, { clientId: "till" }), call));
}

describe("ListClientSecrets", () => {
  it("TOK-25 shows id and beginning, neither secret nor hash", async () => {
    const answer = await list({ client: till, secrets: [aSecret()] });
    expect(answer).toMatchObject({ clientSecrets: [{ secretId: `cls_${secretId}`, hint: "ghs_firs" }] });
    const [secret] = (answer as { clientSecrets: object[] }).clientSecrets;
    expect(Object.keys(secret ?? {}).toSorted()).toEqual(["$typeName", "createTime", "hint", "secretId"]);
  });

  it("TOK-25 shows when it was last used, if ever", async () => {
    const lastUsedAt = new Date("2026-11-21T07:59:00.000Z");
    expect(await list({ client: till, secrets: [aSecret({ lastUsedAt })] })).toMatchObject({
      clientSecrets: [{ lastUseTime: timestampFromDate(lastUsedAt) }],
    });
  });

  it("says when there is no such client", async () => {
    expect(await list({})).toMatchObject({ reason: "CLIENT_NOT_FOUND" });
  });
});
