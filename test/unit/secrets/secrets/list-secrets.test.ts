import { create } from "@bufbuild/protobuf";
import {
  ListSecretsRequestSchema,
  type ListSecretsResponse,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { describe, expect, it } from "vitest";
import type { Grant } from "../../../../src/kernel/principal.ts";
import { createPageTokens } from "../../../../src/keys/page-token.ts";
import { createListSecrets } from "../../../../src/secrets/secrets/list-secrets.ts";
import { callTime, fakeCall } from "../../../fakes/call.ts";
import { allow, deny, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeSealer } from "../../../fakes/sealing.ts";

async function list(grants: readonly Grant[], parent: string, pageSize = 2) {
  let parameters: readonly unknown[] = [];
  const reader = scriptedDatabase({
    "secrets.list": (given) => {
      parameters = given;
      const rows = ["a", "b", "c"].map((path) => ({
        path,
        current_version: 1,
        created_at: callTime,
        updated_at: callTime,
      }));
      return rows.slice(0, Number(given.at(-1)));
    },
  });
  const handler = createListSecrets({ reader, pageTokens: createPageTokens(fakeSealer) });
  const call = fakeCall({ principal: principalOf({ grants }) });
  const answer = (await handler(create(ListSecretsRequestSchema, { parent, pageSize }), call)) as ListSecretsResponse;
  return { answer, parameters };
}

describe("ListSecrets", () => {
  it("AZ-02 asks the database for the spans that may be shown, less those that are denied", async () => {
    const grants = [
      allow("secrets.list", "secrets/team"),
      allow("secrets.list", "secrets/team/sub"),
      deny("secrets.list", "secrets/team/x"),
    ];
    const { parameters } = await list(grants, "");
    expect(parameters).toEqual([
      ["team", "team/"],
      ["team!", "team0"],
      "",
      ["team/x", "team/x/"],
      ["team/x!", "team/x0"],
      3,
    ]);
  });

  it("AZ-02 a deny at or above the parent leaves nothing to ask for", async () => {
    const { parameters } = await list([allow("secrets.list", ""), deny("secrets.list", "secrets/team")], "team/sub");
    expect(parameters[0]).toEqual([]);
  });

  it("AZ-08 has a token for the next page exactly when there is more", async () => {
    const grants = [allow("secrets.list", "")];
    expect((await list(grants, "", 2)).answer).toMatchObject({
      secrets: [{ path: "a" }, { path: "b" }],
      nextPageToken: expect.stringMatching(/./),
    });
    expect((await list(grants, "", 3)).answer.nextPageToken).toBe("");
  });
});
