// SigningKeyService.CompromiseSigningKey: what a stolen key signed is dead, and another key signs.
import { create } from "@bufbuild/protobuf";
import {
  CompromiseSigningKeyResponseSchema,
  type SigningKeyService,
} from "@gatehouse/proto/gatehouse/token/v1/signing_key_service_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import type { SigningKeys } from "../../keys/ports.ts";
import { signingKeyView } from "./signing-key-view.ts";

export function createCompromiseSigningKey(deps: {
  readonly signingKeys: SigningKeys;
}): UnaryHandler<typeof SigningKeyService.method.compromiseSigningKey> {
  const { signingKeys } = deps;
  return async ({ keyId }, call) => {
    const change = await signingKeys.prepareCompromise(keyId, call.now);
    call.audit.resources.push({ type: "signing_key", uid: keyId });
    const answer = await call.commit(async (tx) => {
      const { key, successor, made, news } = await change.store(tx);
      if (made && successor !== undefined) call.audit.resources.push({ type: "signing_key", uid: successor.kid });
      call.audit.details.algorithm = key.algorithm;
      call.audit.details.number = key.number;
      call.audit.details.news = news;
      call.audit.details.replacement = successor?.kid ?? null;
      const view = (shown: typeof key) => signingKeyView(shown, signingKeys.stateOf, call.now);
      return create(CompromiseSigningKeyResponseSchema, {
        signingKey: view(key),
        ...(successor === undefined ? {} : { replacement: view(successor) }),
      });
    });
    // Committed is committed; but whoever asks this process next is given tokens of the new key.
    await signingKeys.caughtUp().catch(() => {});
    return answer;
  };
}
