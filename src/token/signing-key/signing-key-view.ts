// A signing key as the contract shows it.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type SigningKey,
  SigningKeySchema,
  SigningKeyState as State,
} from "@gatehouse/proto/gatehouse/token/v1/signing_key_service_pb.js";
import type { SigningKeyFacts, SigningKeyState, SigningKeys } from "../../keys/ports.ts";

const states: Readonly<Record<SigningKeyState, State>> = {
  pre_activation: State.PRE_ACTIVATION,
  active: State.ACTIVE,
  deactivated: State.DEACTIVATED,
  compromised: State.COMPROMISED,
  destroyed: State.DESTROYED,
};

function instant(at: Date | undefined) {
  return at && timestampFromDate(at);
}

/** Member by member, so that what else a row holds stays where it is. */
export function signingKeyView(key: SigningKeyFacts, stateOf: SigningKeys["stateOf"], now: Date): SigningKey {
  return create(SigningKeySchema, {
    keyId: key.kid,
    algorithm: key.algorithm,
    number: key.number,
    home: key.home,
    state: states[stateOf(key, now)],
    createTime: instant(key.createdAt),
    activateTime: instant(key.activatesAt),
    deactivateTime: instant(key.deactivatesAt),
    verifyEndTime: instant(key.verifiesUntil),
    compromiseTime: instant(key.compromisedAt),
    destroyTime: instant(key.destroyedAt),
  });
}
