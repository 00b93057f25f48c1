// ListRoles: pages in order of name.
import { create } from "@bufbuild/protobuf";
import { ListRolesRequestSchema, type ListRolesResponse } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { describe, expect, it } from "vitest";
import { createListRoles } from "../../../../src/auth/grant/list-roles.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { fakePageTokens } from "../../../fakes/page-tokens.ts";
import { principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { reader } from "./roles-world.ts";

const rows = ["a", "b", "c"].map((name) => ({ ...reader, name, builtin: name === "a", updated_at: null }));
const database = scriptedDatabase({
  "auth.roles": ([after, limit]) => rows.filter(({ name }) => name > String(after)).slice(0, Number(limit)),
});
const list = createListRoles({ reader: database, pageTokens: fakePageTokens });

async function ask(request: { pageSize?: number; pageToken?: string }): Promise<ListRolesResponse> {
  const call = fakeCall({ principal: principalOf() });
  return (await list(create(ListRolesRequestSchema, request), call)) as ListRolesResponse;
}

describe("ListRoles", () => {
  it("AZ-08 pages by the last name shown", async () => {
    const first = await ask({ pageSize: 2 });
    expect(first.roles.map(({ name, builtIn }) => [name, builtIn])).toEqual([
      ["a", true],
      ["b", false],
    ]);
    const rest = await ask({ pageSize: 2, pageToken: first.nextPageToken });
    expect([rest.roles.map(({ name }) => name), rest.nextPageToken]).toEqual([["c"], ""]);
  });
});
