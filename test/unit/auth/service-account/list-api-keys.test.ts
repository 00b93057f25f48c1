// ListApiKeys: pages of one account's keys, none in text.
import { create } from "@bufbuild/protobuf";
import {
  ListApiKeysRequestSchema,
  type ListApiKeysResponse,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createListApiKeys } from "../../../../src/auth/service-account/list-api-keys.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { fakePageTokens } from "../../../fakes/page-tokens.ts";
import { alice, bob, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { cart, keyId, keyRow } from "./accounts-world.ts";

const reader = scriptedDatabase({
  "auth.api_keys_of_account": ([owner, after, limit]) =>
    owner === bob && after === null ? [keyRow, { ...keyRow, id: alice }].slice(0, Number(limit)) : [],
});
const list = createListApiKeys({ reader, pageTokens: fakePageTokens });

async function ask(request: { principalId: string; pageSize?: number; pageToken?: string }) {
  const call = fakeCall({ principal: principalOf() });
  return (await list(create(ListApiKeysRequestSchema, request), call)) as ListApiKeysResponse;
}

describe("ListApiKeys", () => {
  it("TOK-25 shows what is known of a key", async () => {
    const { apiKeys } = await ask({ principalId: cart });
    expect(apiKeys[0]).toMatchObject({ apiKeyId: `key_${keyId}`, prefix: keyRow.prefix, scopes: ["secrets.read"] });
    expect(apiKeys[0]).not.toHaveProperty("expireTime");
  });

  it("takes a page token only for the account that it was given for", async () => {
    const { apiKeys, nextPageToken: pageToken } = await ask({ principalId: cart, pageSize: 1 });
    expect(apiKeys).toHaveLength(1);
    await expect(ask({ principalId: cart, pageToken })).resolves.toMatchObject({ apiKeys: [], nextPageToken: "" });
    await expect(ask({ principalId: `prn_${alice}`, pageToken })).rejects.toMatchObject({
      reason: "PAGE_TOKEN_INVALID",
    });
  });
});
