// GetClient: shows what stands, and nothing of its secrets.
import { create } from "@bufbuild/protobuf";
import { GetClientRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { describe, expect, it } from "vitest";
import { createGetClient } from "../../../../src/auth/client/get-client.ts";
import { aSecret, type ClientSetup, clientWorld, settled, till } from "./client-world.ts";

async function get(setup: ClientSetup) {
  const { database, call } = clientWorld(setup);
  return settled(createGetClient({ reader: database })(create(GetClientRequestSchema, { clientId: "till" }), call));
}

describe("GetClient", () => {
  it("shows one, without its secrets", async () => {
    const answer = await get({ client: till, secrets: [aSecret()] });
    expect(answer).toMatchObject({
      client: { clientId: "till", confidential: true, settings: { audiences: ["shop"] } },
    });
    expect(JSON.stringify(answer, (_key, value) => (typeof value === "bigint" ? `${value}` : value))).not.toContain(
      "ghs_",
    );
  });

  it("says when there is none", async () => {
    expect(await get({})).toMatchObject({ reason: "CLIENT_NOT_FOUND" });
  });
});
