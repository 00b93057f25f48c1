// ListServiceAccounts: pages in order of making.
import { create } from "@bufbuild/protobuf";
import {
  ListServiceAccountsRequestSchema,
  type ListServiceAccountsResponse,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createListServiceAccounts } from "../../../../src/auth/service-account/list-service-accounts.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { fakePageTokens } from "../../../fakes/page-tokens.ts";
import { principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { accountRow } from "./accounts-world.ts";

const ids = [1, 2, 3].map((number) => `01890000-0000-7000-8000-00000000000${number}`);
const reader = scriptedDatabase({
  "auth.service_accounts": ([after, limit]) =>
    ids
      .filter((id) => after === null || id > String(after))
      .slice(0, Number(limit))
      .map((principal_id) => ({ ...accountRow, principal_id })),
});
const list = createListServiceAccounts({ reader, pageTokens: fakePageTokens });

async function ask(request: { pageSize?: number; pageToken?: string }): Promise<ListServiceAccountsResponse> {
  const call = fakeCall({ principal: principalOf() });
  return (await list(create(ListServiceAccountsRequestSchema, request), call)) as ListServiceAccountsResponse;
}

describe("ListServiceAccounts", () => {
  it("pages by the last one shown", async () => {
    const first = await ask({ pageSize: 2 });
    const rest = await ask({ pageSize: 2, pageToken: first.nextPageToken });
    const shown = [...first.serviceAccounts, ...rest.serviceAccounts].map(({ principalId }) => principalId);
    expect([shown, rest.nextPageToken]).toEqual([ids.map((id) => `prn_${id}`), ""]);
  });
});
