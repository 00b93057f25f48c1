// SigningKeyService.RotateSigningKey: the next key, published before it signs.
import { create } from "@bufbuild/protobuf";
import {
  RotateSigningKeyResponseSchema,
  type SigningKeyService,
} from "@gatehouse/proto/gatehouse/token/v1/signing_key_service_pb.js";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import type { SigningKeys } from "../../keys/ports.ts";
import { signingKeyView } from "./signing-key-view.ts";

const algorithms: readonly SignatureAlgorithm[] = ["ES256", "EdDSA", "RS256", "PS256"];

function algorithmOf(text: string): SignatureAlgorithm | undefined {
  if (text === "") return undefined;
  const algorithm = algorithms.find((one) => one === text);
  if (algorithm === undefined) throw invalidField("algorithm", "must be an algorithm that keys are made for");
  return algorithm;
}

export function createRotateSigningKey(deps: {
  readonly signingKeys: SigningKeys;
}): UnaryHandler<typeof SigningKeyService.method.rotateSigningKey> {
  const { signingKeys } = deps;
  return async ({ algorithm }, call) => {
    const change = await signingKeys.prepareRotation(algorithmOf(algorithm), call.now);
    const answer = await call.commit(async (tx) => {
      const { successor, made } = await change.store(tx);
      // The key that waited was ended while this call looked: its next try makes another.
      if (successor === undefined) throw new GatehouseError("KEYS_UNAVAILABLE");
      call.audit.resources.push({ type: "signing_key", uid: successor.kid });
      call.audit.details.algorithm = successor.algorithm;
      call.audit.details.number = successor.number;
      call.audit.details.created = made;
      return create(RotateSigningKeyResponseSchema, {
        signingKey: signingKeyView(successor, signingKeys.stateOf, call.now),
        created: made,
      });
    });
    // Committed is committed; but whoever asks this process next finds the key published.
    await signingKeys.caughtUp().catch(() => {});
    return answer;
  };
}
