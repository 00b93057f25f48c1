// RotateSigningKey: the home first, then one transaction with its record.
import {
  RotateSigningKeyRequestSchema,
  type RotateSigningKeyResponse,
  SigningKeyState as State,
} from "@gatehouse/proto/gatehouse/token/v1/signing_key_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import type { KeyReplacement, SigningKeys } from "../../../../src/keys/ports.ts";
import { createRotateSigningKey } from "../../../../src/token/signing-key/rotate-signing-key.ts";
import { createKeyWorld, keyOf, kid } from "./world.ts";

function rotating(result: KeyReplacement, caughtUp: () => Promise<void> = async () => {}) {
  const asked: Parameters<SigningKeys["prepareRotation"]>[] = [];
  const world = createKeyWorld({
    async prepareRotation(...given) {
      asked.push(given);
      return { store: async () => result };
    },
    caughtUp,
  });
  const rotate = async (algorithm = "") =>
    (await createRotateSigningKey(world)(
      world.message(RotateSigningKeyRequestSchema, { algorithm }),
      world.call,
    )) as RotateSigningKeyResponse;
  return { ...world, asked, rotate };
}

describe("RotateSigningKey", () => {
  it("answers the key that signs next, and records it", async () => {
    const successor = keyOf({ activatesAt: new Date("2026-11-21T09:00:00Z"), number: 4 });
    const world = rotating({ successor, made: true });
    const answer = await world.rotate();
    expect(answer).toMatchObject({ created: true, signingKey: { keyId: kid, number: 4, state: State.PRE_ACTIVATION } });
    expect(world.asked).toEqual([[undefined, world.call.now]]);
    expect(world.unitOfWork.committed).toMatchObject([
      { resources: [{ type: "signing_key", uid: kid }], details: { algorithm: "ES256", number: 4, created: true } },
    ]);
  });

  it("is done when it is committed, whether or not this process could look at once", async () => {
    const lost = () => Promise.reject(new GatehouseError("DATABASE_UNAVAILABLE"));
    const world = rotating({ successor: keyOf(), made: true }, lost);
    expect((await world.rotate()).created).toBe(true);
    expect(world.unitOfWork.committed).toHaveLength(1);
  });

  it("says when the key waited already", async () => {
    const world = rotating({ successor: keyOf(), made: false });
    expect((await world.rotate("EdDSA")).created).toBe(false);
    expect(world.asked[0]?.[0]).toBe("EdDSA");
    expect(world.unitOfWork.committed[0]?.details.created).toBe(false);
  });

  it.each(["HS256", "none", "es256", "__proto__"])("JWT-03 makes no key for %s", async (algorithm) => {
    const world = rotating({ successor: keyOf(), made: true });
    await expect(world.rotate(algorithm)).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
    expect(world.asked).toEqual([]);
  });

  it("commits nothing when the home does not answer, or nothing came of it", async () => {
    const away = createKeyWorld({ prepareRotation: () => Promise.reject(new GatehouseError("KEYS_UNAVAILABLE")) });
    const request = away.message(RotateSigningKeyRequestSchema, {});
    await expect(createRotateSigningKey(away)(request, away.call)).rejects.toMatchObject({
      reason: "KEYS_UNAVAILABLE",
    });
    const gone = rotating({ successor: undefined, made: false });
    await expect(gone.rotate()).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    expect([...away.unitOfWork.committed, ...gone.unitOfWork.committed]).toEqual([]);
  });
});
