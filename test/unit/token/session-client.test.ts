// Which client may renew a session.
import { describe, expect, it } from "vitest";
import { authenticateClient, clientFault } from "../../../src/token/session-client.ts";
import { aClient, fakeClients } from "../../fakes/clients.ts";

const shop = { ...aClient, generation: 3 };
const clients = fakeClients(shop, { ...aClient, id: "robot", logins: false });
const now = new Date(0);
const show = (clientId: string, clientSecret = "") => authenticateClient(clients, { clientId, clientSecret }, now);

describe("the client of a session", () => {
  it("TOK-05 is the built-in one for whoever names none, and cannot be it with a secret", async () => {
    expect(await show("")).toBeUndefined();
    expect(await show("gatehouse")).toBeUndefined();
    for (const id of ["", "gatehouse"]) await expect(show(id, "x")).rejects.toMatchObject({ reason: "CLIENT_INVALID" });
  });

  it("TOK-05 must be allowed to log people in still", async () => {
    expect(await show("shop")).toBe(shop);
    await expect(show("robot")).rejects.toMatchObject({ reason: "CLIENT_NOT_ALLOWED" });
  });

  it("TOK-05 is the one that it was opened through, and as it was then", () => {
    const ofShop = { clientId: "shop", clientGeneration: 3 };
    expect(clientFault(shop, ofShop)).toBeUndefined();
    expect(clientFault(undefined, { clientId: "gatehouse", clientGeneration: undefined })).toBeUndefined();
    expect(clientFault(undefined, ofShop)).toBe("CLIENT_MISMATCH");
    expect(clientFault(shop, { clientId: "gatehouse", clientGeneration: undefined })).toBe("CLIENT_MISMATCH");
    expect(clientFault({ ...shop, id: "other" }, ofShop)).toBe("CLIENT_MISMATCH");
    expect(clientFault({ ...shop, generation: 4 }, ofShop)).toBe("CLIENT_DISABLED");
    // A row that says nothing of the generation is of no client that has one.
    expect(clientFault(shop, { clientId: "shop", clientGeneration: undefined })).toBe("CLIENT_DISABLED");
  });
});
