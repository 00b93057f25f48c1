// Signing keys that answer what a test scripts.
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import type { SigningKeyFacts, SigningKeys } from "../../../../src/keys/ports.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { principalOf } from "../../../fakes/principal.ts";
import { createTestSigner } from "../../../fakes/token-signer.ts";
import { createFakeUnitOfWork } from "../../../fakes/unit-of-work.ts";

export const kid = "A".repeat(43);

export function keyOf(more: Partial<SigningKeyFacts> = {}): SigningKeyFacts {
  return {
    kid,
    algorithm: "ES256",
    number: 1,
    home: "local",
    createdAt: new Date(1_000),
    activatesAt: new Date(2_000),
    deactivatesAt: undefined,
    verifiesUntil: undefined,
    compromisedAt: undefined,
    destroyedAt: undefined,
    ...more,
  };
}

export function createKeyWorld(scripted: Partial<SigningKeys>) {
  const unitOfWork = createFakeUnitOfWork();
  const call = fakeCall({ principal: principalOf(), unitOfWork });
  return {
    unitOfWork,
    call,
    signingKeys: { ...createTestSigner(), ...scripted } satisfies SigningKeys,
    message: <M extends DescMessage>(schema: M, init: MessageInitShape<M>) => create(schema, init),
  };
}
