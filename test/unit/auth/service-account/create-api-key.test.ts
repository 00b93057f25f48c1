// CreateApiKey: shown once, stored as a keyed hash, and never more than its maker.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  CreateApiKeyRequestSchema,
  type CreateApiKeyResponse,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createCreateApiKey } from "../../../../src/auth/service-account/create-api-key.ts";
import { callTime } from "../../../fakes/call.ts";
import { alice, bob } from "../../../fakes/principal.ts";
import { fakeMacs } from "../../../fakes/sealing.ts";
import { type AccountsSetup, accountsWorld, cart } from "./accounts-world.ts";

async function make(request: MessageInitShape<typeof CreateApiKeyRequestSchema> = {}, setup: AccountsSetup = {}) {
  const world = accountsWorld(setup);
  const message = create(CreateApiKeyRequestSchema, { principalId: cart, displayName: "ci", ...request });
  const outcome: unknown = await createCreateApiKey({ macs: fakeMacs })(message, world.call).catch(
    (error: unknown) => error,
  );
  return { ...world, outcome, answer: outcome as CreateApiKeyResponse };
}

const inMs = (ms: number) => ({ expireTime: timestampFromDate(new Date(callTime.getTime() + ms)) });
const tenYears = 3_653 * 86_400_000;

describe("CreateApiKey", () => {
  it("TOK-25 answers the key, and stores and records no more than its hash and first letters", async () => {
    const { answer, written, call } = await make({ scopes: ["secrets.write", "secrets.read"] });
    const { secret } = answer;
    expect(secret).toMatch(/^ghk_[0-9A-Za-z]{36}$/);
    expect(answer.apiKey).toMatchObject({ prefix: secret.slice(0, 12), scopes: ["secrets.read", "secrets.write"] });
    expect(written[0]?.[1]).toContainEqual(fakeMacs.mac("token-hash", ["api-key", secret]).value);
    expect(JSON.stringify([written, call.audit])).not.toContain(secret.slice(12));
    expect(call.audit.resources.map(({ type }) => type)).toEqual(["principal", "api_key"]);
  });

  it("TOK-25 locks before it looks, and two are never the same", async () => {
    const [one, two] = [await make(), await make()];
    expect(one.database.asked.slice(0, 2)).toEqual(["auth.lock_access_changes", "auth.lock_service_account"]);
    expect(one.answer.secret).not.toBe(two.answer.secret);
  });

  it("TOK-25 ends within ten years, or never when nobody says when", async () => {
    expect((await make()).answer.apiKey?.expireTime).toBeUndefined();
    expect((await make(inMs(tenYears))).answer.apiKey?.expireTime).toBeDefined();
    for (const wrong of [inMs(0), inMs(-1), inMs(tenYears + 1), { expireTime: { seconds: 10n ** 18n, nanos: 0 } }])
      expect((await make(wrong)).outcome).toMatchObject({
        reason: "REQUEST_INVALID",
        violations: [{ field: "expire_time" }],
      });
  });

  it.each([
    ["what the account holds", { accountHolds: ["secrets.read"], callerHolds: ["secrets.list"] }, []],
    ["one of its permissions", { accountHolds: ["secrets.read", "secrets.write"], callerHolds: ["secrets.read"] }, []],
    ["everything", { accountHolds: ["*"], callerHolds: ["secrets.read"] }, []],
    ["the scope of an account that holds everything", { accountHolds: ["*"], callerHolds: ["a.b"] }, ["c.d"]],
    ["it in the token", { accountHolds: ["secrets.read"], callerScopes: ["secrets.list"] }, []],
  ])("AZ-05 is refused to whoever lacks %s", async (_, setup, scopes) => {
    const { outcome, database } = await make({ scopes }, setup);
    expect(outcome).toMatchObject({ reason: "CREDENTIAL_EXCEEDS_OWN" });
    expect(database.commits()).toBe(0);
  });

  it.each([
    ["nothing is held", { callerHolds: [] }, []],
    ["scopes leave what the caller holds", { accountHolds: ["*"], callerHolds: ["a.b"] }, ["a.b"]],
    ["scopes leave nothing of it", { accountHolds: ["secrets.read"], callerHolds: [] }, ["a.b"]],
    ["the account makes one for itself", { accountHolds: ["a.b"], callerHolds: [], callerId: bob }, []],
  ])("AZ-05 is made when %s", async (_, setup, scopes) => {
    expect((await make({ scopes }, setup)).answer.secret).toBeDefined();
  });

  it("AZ-05 is not widened by an account whose own token is narrow", async () => {
    const setup = { accountHolds: ["a.b"], callerHolds: ["a.b"], callerId: bob, callerScopes: ["a.b"] };
    expect((await make({}, setup)).outcome).toMatchObject({ reason: "CREDENTIAL_EXCEEDS_OWN" });
    expect((await make({ scopes: ["a.b"] }, setup)).answer.secret).toBeDefined();
  });

  it("is refused beyond twenty live ones, and for what is no service account", async () => {
    expect((await make({}, { liveKeys: 19 })).answer.secret).toBeDefined();
    expect((await make({}, { liveKeys: 20 })).outcome).toMatchObject({ reason: "API_KEY_LIMIT_REACHED" });
    const { outcome, written } = await make({}, { account: null });
    expect(outcome).toMatchObject({ reason: "SERVICE_ACCOUNT_NOT_FOUND" });
    expect(written).toEqual([]);
  });

  it("says who made it", async () => {
    expect((await make()).answer.apiKey).toMatchObject({ creatorId: `prn_${alice}`, principalId: cart });
  });
});
