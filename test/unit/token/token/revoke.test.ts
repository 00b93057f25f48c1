// What Revoke does in its transaction, and for whom; the effect on every replica is in test/integration/token/revoke.test.ts.
import { create } from "@bufbuild/protobuf";
import { RevokeRequestSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import { allow, deny, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { signAnything } from "../../../fakes/token-signer.ts";
import { createTokenWorld } from "../../../fakes/token-world.ts";
import { alice, bob, goodHeader, goodPayload, tokenId } from "../claims.ts";
import { hostileTokens } from "../hostile-tokens.ts";

function createWorld() {
  const database = scriptedDatabase();
  const world = createTokenWorld({ reader: database, unitOfWork: database.unitOfWork });
  const revoke = (token: string, principal = principalOf({ id: alice })) =>
    world.handler("revoke")(create(RevokeRequestSchema, { token }), world.call({ principal }));
  const signed = () => signAnything(world.signer, goodHeader(world), goodPayload(world));
  return { database, world, revoke, signed };
}

describe("Revoke", () => {
  it("announces the id of the token, never its text, whoever's memory it was in", async () => {
    const { database, revoke, signed } = createWorld();
    await revoke(await signed());
    expect(database.announced).toMatchObject([{ kind: "token", key: tokenId }]);
  });

  it.each([
    ["the permission", [allow("token.revoke", "tokens")], ["*"], 1],
    ["no permission", [], ["*"], 0],
    ["a deny beside it", [allow("token.revoke", "tokens"), deny("token.revoke", "tokens")], ["*"], 0],
    ["other scopes", [allow("token.revoke", "tokens")], ["secrets.read"], 0],
    ["another permission", [allow("token.introspect", "tokens")], ["*"], 0],
  ])("TOK-12 ends another's token with the permission alone: %s", async (_title, grants, scopes, events) => {
    const { database, revoke, signed } = createWorld();
    await revoke(await signed(), principalOf({ id: bob, grants, scopes }));
    expect(database.announced).toHaveLength(events);
    expect(database.commits()).toBe(1);
  });

  it.each([
    ["the client that it was given through, which showed its secret", { client: "gatehouse" }, 1],
    ["another client", { client: "till" }, 0],
    ["somebody else with a token of the same client", { clientId: "gatehouse" }, 0],
  ])("TOK-12 RFC 7009 section 2.1, for %s", async (_title, more, events) => {
    const { database, revoke, signed } = createWorld();
    await revoke(await signed(), { ...principalOf({ id: "" }), ...more });
    expect(database.announced).toHaveLength(events);
    expect(database.commits()).toBe(1);
  });

  it("TOK-13 answers every hostile token like a good one, and does nothing", async () => {
    const { database, world, revoke, signed } = createWorld();
    const good = await revoke(await signed());
    for (const { make } of hostileTokens) expect(await revoke(await make(world))).toEqual(good);
    expect(database.announced).toHaveLength(1);
    expect(database.commits()).toBe(hostileTokens.length + 1);
  });

  it("does not mistake a failure for a bad token", async () => {
    const { world, revoke, signed } = createWorld();
    const verificationKeys = () => {
      throw new GatehouseError("KEYS_UNAVAILABLE");
    };
    const token = await signed();
    Object.assign(world.signer, { verificationKeys });
    await expect(revoke(token)).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
  });
});
