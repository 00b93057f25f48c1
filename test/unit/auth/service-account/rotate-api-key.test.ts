// RotateApiKey: the successor, the overlap, and what cannot be rotated.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  RotateApiKeyRequestSchema,
  type RotateApiKeyResponse,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createRotateApiKey } from "../../../../src/auth/service-account/rotate-api-key.ts";
import { callTime } from "../../../fakes/call.ts";
import { fakeMacs } from "../../../fakes/sealing.ts";
import { type AccountsSetup, accountsWorld, cart, keyId, keyRow } from "./accounts-world.ts";

async function rotate(request: MessageInitShape<typeof RotateApiKeyRequestSchema> = {}, setup: AccountsSetup = {}) {
  const world = accountsWorld(setup);
  const message = create(RotateApiKeyRequestSchema, { principalId: cart, apiKeyId: `key_${keyId}`, ...request });
  const outcome: unknown = await createRotateApiKey({ macs: fakeMacs })(message, world.call).catch(
    (error: unknown) => error,
  );
  return { ...world, outcome, answer: outcome as RotateApiKeyResponse };
}

const later = (ms: number) => new Date(callTime.getTime() + ms);
const overlap = (seconds: number) => ({ overlap: { seconds: BigInt(seconds), nanos: 0 } });
const ended = (time: RotateApiKeyResponse["replacedApiKey"]) => time?.expireTime && timestampDate(time.expireTime);

describe("RotateApiKey", () => {
  it("TOK-25 gives a successor of the same scopes, and a day for the old one", async () => {
    const { answer, written, database, call } = await rotate();
    expect(answer.apiKey).toMatchObject({ scopes: ["secrets.read"], displayName: "ci", successorId: "" });
    expect(answer.secret.startsWith(answer.apiKey?.prefix ?? "-")).toBe(true);
    expect(ended(answer.replacedApiKey)).toEqual(later(86_400_000));
    expect(written.map(([name]) => name)).toEqual(["auth.replace_api_key", "auth.insert_api_key"]);
    expect(database.announced).toEqual([
      { kind: "credential_end", key: `${keyId}:${later(86_400_000).getTime()}`, expiresAt: later(86_460_000) },
    ]);
    expect(call.audit.resources.map(({ uid }) => uid)).toEqual([cart, `key_${keyId}`, answer.apiKey?.apiKeyId]);
    expect(JSON.stringify([written, call.audit])).not.toContain(answer.secret.slice(12));
  });

  it("TOK-25 ends the old one at once when there is no overlap, and never later than it would have ended", async () => {
    const now = await rotate(overlap(0));
    expect(ended(now.answer.replacedApiKey)).toEqual(callTime);
    expect(now.database.announced).toMatchObject([{ kind: "credential", key: keyId }]);
    const key = { ...keyRow, expires_at: later(1_000) };
    expect(ended((await rotate(overlap(60), { key })).answer.replacedApiKey)).toEqual(later(1_000));
  });

  it("TOK-25 says nothing of an end by which every token of the key has expired", async () => {
    expect((await rotate(overlap(86_460))).database.announced).toEqual([]);
  });

  it.each([
    ["revoked", { revoked_at: later(-1) }],
    ["expired", { expires_at: callTime }],
    ["replaced already", { successor_id: keyId }],
  ])("TOK-25 is refused for a key that is %s", async (_, more) => {
    const { outcome, written } = await rotate({}, { key: { ...keyRow, ...more } });
    expect(outcome).toMatchObject({ reason: "API_KEY_ENDED" });
    expect(written).toEqual([]);
  });

  it("is refused for another account's key, and for an id that is none", async () => {
    expect((await rotate({}, { key: null })).outcome).toMatchObject({ reason: "API_KEY_NOT_FOUND" });
    expect((await rotate({ apiKeyId: `prn_${keyId}` })).outcome).toMatchObject({ reason: "REQUEST_INVALID" });
  });

  it("AZ-05 is refused to whoever lacks what the key may do", async () => {
    const setup = { accountHolds: ["secrets.read"], callerHolds: ["secrets.list"] };
    expect((await rotate({}, setup)).outcome).toMatchObject({ reason: "CREDENTIAL_EXCEEDS_OWN" });
  });
});
