// CompromiseSigningKey: recorded with what replaces the key, answered when this process knows of it.
import {
  CompromiseSigningKeyRequestSchema,
  type CompromiseSigningKeyResponse,
  SigningKeyState as State,
} from "@gatehouse/proto/gatehouse/token/v1/signing_key_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import type { Compromise } from "../../../../src/keys/ports.ts";
import { createCompromiseSigningKey } from "../../../../src/token/signing-key/compromise-signing-key.ts";
import { createKeyWorld, keyOf, kid } from "./world.ts";

const instant = new Date("2026-11-21T08:00:00Z");
const stolen = keyOf({ compromisedAt: instant, deactivatesAt: instant, verifiesUntil: instant });
const next = keyOf({ kid: "B".repeat(43), number: 2 });

function compromising(result: Compromise, caughtUp: () => Promise<void> = async () => {}) {
  const steps: string[] = [];
  const world = createKeyWorld({
    prepareCompromise: async () => ({ store: async () => result }),
    caughtUp() {
      steps.push(`after ${world.unitOfWork.committed.length} commit`);
      return caughtUp();
    },
  });
  const compromise = async () =>
    (await createCompromiseSigningKey(world)(
      world.message(CompromiseSigningKeyRequestSchema, { keyId: kid }),
      world.call,
    )) as CompromiseSigningKeyResponse;
  return { ...world, steps, compromise };
}

describe("CompromiseSigningKey", () => {
  it("answers the key and what signs in its place, and records both", async () => {
    const world = compromising({ key: stolen, successor: next, made: true, news: true });
    expect(await world.compromise()).toMatchObject({
      signingKey: { keyId: kid, state: State.COMPROMISED },
      replacement: { keyId: next.kid, state: State.ACTIVE },
    });
    expect(world.unitOfWork.committed).toMatchObject([
      {
        resources: [
          { type: "signing_key", uid: kid },
          { type: "signing_key", uid: next.kid },
        ],
        details: { algorithm: "ES256", number: 1, news: true, replacement: next.kid },
      },
    ]);
    expect(world.steps).toEqual(["after 1 commit"]);
  });

  it("says when nothing signs in its place, because the home does not answer", async () => {
    const world = compromising({ key: stolen, successor: undefined, made: false, news: true });
    expect((await world.compromise()).replacement).toBeUndefined();
    expect(world.unitOfWork.committed[0]?.details.replacement).toBeNull();
  });

  it("is done when it is committed, whether or not this process could look at once", async () => {
    const lost = () => Promise.reject(new GatehouseError("DATABASE_UNAVAILABLE"));
    const world = compromising({ key: stolen, successor: next, made: false, news: false }, lost);
    expect((await world.compromise()).signingKey?.keyId).toBe(kid);
    expect(world.unitOfWork.committed[0]?.resources).toEqual([{ type: "signing_key", uid: kid }]);
  });

  it("passes on that there is no such key, and commits nothing", async () => {
    const world = createKeyWorld({
      prepareCompromise: () => Promise.reject(new GatehouseError("SIGNING_KEY_NOT_FOUND")),
    });
    const request = world.message(CompromiseSigningKeyRequestSchema, { keyId: kid });
    await expect(createCompromiseSigningKey(world)(request, world.call)).rejects.toMatchObject({
      reason: "SIGNING_KEY_NOT_FOUND",
    });
    expect(world.unitOfWork.committed).toEqual([]);
  });
});
