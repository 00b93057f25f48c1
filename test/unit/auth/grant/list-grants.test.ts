// ListGrants: pages of what a principal was given.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Effect,
  ListGrantsRequestSchema,
  type ListGrantsResponse,
} from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { describe, expect, it } from "vitest";
import { createListGrants } from "../../../../src/auth/grant/list-grants.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { fakePageTokens } from "../../../fakes/page-tokens.ts";
import { alice, bob, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";

const idOf = (number: number) => `0198f000-0000-7000-8000-${String(number).padStart(12, "0")}`;
const rows = Array.from({ length: 3 }, (_, number) => ({
  id: idOf(number),
  principal_id: alice,
  role: "viewer",
  resource: `secrets/${number}`,
  effect: number === 1 ? "deny" : "allow",
  expires_at: number === 1 ? new Date(0) : null,
  created_at: new Date(0),
  created_by: number === 2 ? null : bob,
}));

const database = scriptedDatabase({
  "auth.grants_of_principal": ([principalId, after, limit]) =>
    rows
      .filter((row) => row.principal_id === principalId && (after === null || row.id > String(after)))
      .slice(0, Number(limit)),
});
const list = createListGrants({ reader: database, pageTokens: fakePageTokens });
const ask = async (request: MessageInitShape<typeof ListGrantsRequestSchema>, id = alice) =>
  (await list(
    create(ListGrantsRequestSchema, request),
    fakeCall({ principal: principalOf({ id }) }),
  )) as ListGrantsResponse;

describe("ListGrants", () => {
  it("shows what was given, by whom and until when", async () => {
    const { grants, nextPageToken } = await ask({});
    expect(grants.map(({ effect }) => effect)).toEqual([Effect.ALLOW, Effect.DENY, Effect.ALLOW]);
    expect(grants[0]).toMatchObject({ grantId: `grt_${idOf(0)}`, creatorId: `prn_${bob}` });
    expect([grants[0]?.expireTime, grants[1]?.expireTime?.seconds]).toEqual([undefined, 0n]);
    expect(grants[2]?.creatorId).toBe("");
    expect(nextPageToken).toBe("");
  });

  it("AZ-08 pages by the last id shown, for the same question alone", async () => {
    const first = await ask({ pageSize: 2 });
    const second = await ask({ pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.grants, ...second.grants].map(({ grantId }) => grantId)).toEqual(
      rows.map(({ id }) => `grt_${id}`),
    );
    const other = ask({ principalId: `prn_${bob}`, pageToken: first.nextPageToken });
    await expect(other).rejects.toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  });
});
