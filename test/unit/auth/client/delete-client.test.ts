// DeleteClient: secrets go, and what was handed out dies.
import { create } from "@bufbuild/protobuf";
import { DeleteClientRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { describe, expect, it } from "vitest";
import { createDeleteClient } from "../../../../src/auth/client/delete-client.ts";
import { bounds, type ClientSetup, clientWorld, settled, till } from "./client-world.ts";

async function remove(setup: ClientSetup, allowed = bounds) {
  const world = clientWorld(setup);
  const request = create(DeleteClientRequestSchema, { clientId: "till" });
  return { ...world, outcome: await settled(createDeleteClient({ bounds: allowed })(request, world.call)) };
}

describe("DeleteClient", () => {
  it("TOK-08 takes the secrets first, and ends what was handed out for longer than it could live", async () => {
    const longer = { ...bounds, accessTokenLifetimeMs: 7_200_000 };
    const { database, call } = await remove({ client: { ...till, generation: 4 } }, longer);
    expect(database.asked).toEqual(["auth.lock_client", "auth.delete_client_secrets", "auth.delete_client"]);
    expect(database.announced).toMatchObject([{ kind: "client", key: "till:5" }]);
    const lives = (database.announced[0]?.expiresAt.getTime() ?? 0) - call.now.getTime();
    expect(lives).toBeGreaterThanOrEqual(longer.accessTokenLifetimeMs + 60_000);
  });

  it("says when there is none", async () => {
    const { outcome, database } = await remove({});
    expect(outcome).toMatchObject({ reason: "CLIENT_NOT_FOUND" });
    expect(database.announced).toEqual([]);
  });
});
