// ListClients: pages in order of id.
import { create } from "@bufbuild/protobuf";
import { ListClientsRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { describe, expect, it } from "vitest";
import { createListClients } from "../../../../src/auth/client/list-clients.ts";
import { fakePageTokens } from "../../../fakes/page-tokens.ts";
import { clientWorld, settled, till } from "./client-world.ts";

async function list(request: { pageSize?: number; pageToken?: string }) {
  const { database, call } = clientWorld({ client: till });
  const handler = createListClients({ reader: database, pageTokens: fakePageTokens });
  return { outcome: await settled(handler(create(ListClientsRequestSchema, request), call)), database };
}

describe("ListClients", () => {
  it("answers a page of them", async () => {
    expect((await list({})).outcome).toMatchObject({ clients: [{ clientId: "till" }], nextPageToken: "" });
  });

  it("GHSA-r9w3-57w2-gch2 takes no page token of another's making", async () => {
    const { outcome, database } = await list({ pageToken: "' or 1=1 --" });
    expect(outcome).toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
    expect(database.asked).toEqual([]);
  });
});
