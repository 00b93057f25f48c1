// ListSigningKeys: pages by algorithm and number, states as of the call, and nothing else of a row.
import {
  ListSigningKeysRequestSchema,
  type ListSigningKeysResponse,
  SigningKeyState as State,
} from "@gatehouse/proto/gatehouse/token/v1/signing_key_service_pb.js";
import { describe, expect, it } from "vitest";
import { createListSigningKeys } from "../../../../src/token/signing-key/list-signing-keys.ts";
import { fakePageTokens } from "../../../fakes/page-tokens.ts";
import { createKeyWorld, keyOf } from "./world.ts";

const instant = new Date("2026-11-21T07:00:00Z");
const later = new Date("2026-11-21T09:00:00Z");
const keys = [
  keyOf({ algorithm: "ES256", number: 3, activatesAt: later }),
  keyOf({ algorithm: "ES256", number: 2, deactivatesAt: later, verifiesUntil: later }),
  keyOf({ algorithm: "ES256", number: 1, deactivatesAt: instant, verifiesUntil: later }),
  keyOf({ algorithm: "EdDSA", number: 2, deactivatesAt: instant, verifiesUntil: instant, compromisedAt: instant }),
  keyOf({ algorithm: "EdDSA", number: 1, deactivatesAt: instant, verifiesUntil: instant, destroyedAt: instant }),
];

describe("ListSigningKeys", () => {
  const asked: unknown[] = [];
  const world = createKeyWorld({
    async list(after, limit) {
      asked.push(after);
      const rest = keys.findIndex(({ algorithm, number }) => algorithm === after?.algorithm && number === after.number);
      return keys.slice(rest + 1, rest + 1 + limit);
    },
  });
  const list = createListSigningKeys({ ...world, pageTokens: fakePageTokens });
  const ask = async (request: { pageSize?: number; pageToken?: string }) =>
    (await list(world.message(ListSigningKeysRequestSchema, request), world.call)) as ListSigningKeysResponse;

  it("AZ-08 pages by the last key shown", async () => {
    asked.length = 0;
    const first = await ask({ pageSize: 3 });
    expect(first.signingKeys.map(({ algorithm, number }) => [algorithm, number])).toEqual([
      ["ES256", 3],
      ["ES256", 2],
      ["ES256", 1],
    ]);
    const rest = await ask({ pageSize: 3, pageToken: first.nextPageToken });
    expect([rest.signingKeys.length, rest.nextPageToken]).toEqual([2, ""]);
    expect(asked).toEqual([undefined, { algorithm: "ES256", number: 1 }]);
    await expect(ask({ pageToken: "forged" })).rejects.toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  });

  it("KEY-06 says where each key is in its life", async () => {
    const { signingKeys } = await ask({});
    expect(signingKeys.map(({ state }) => state)).toEqual([
      State.PRE_ACTIVATION,
      State.ACTIVE,
      State.DEACTIVATED,
      State.COMPROMISED,
      State.DESTROYED,
    ]);
  });

  it("SEC-05 shows nothing of a row that is not in the contract", async () => {
    const row = { ...keyOf(), handle: "wrapped private key", jwk: { kty: "EC" } };
    const leaky = createKeyWorld({ list: async () => [row] });
    const answer = await createListSigningKeys({ ...leaky, pageTokens: fakePageTokens })(
      leaky.message(ListSigningKeysRequestSchema, {}),
      leaky.call,
    );
    expect(JSON.stringify(answer, (_name, value) => (typeof value === "bigint" ? String(value) : value))).not.toMatch(
      /wrapped|handle|kty/,
    );
  });
});
