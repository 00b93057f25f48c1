// What the contract says of a method that matters to a caller. Read from the descriptors once: options cost 17 us a look.
import { type DescMethod, getOption, ScalarType } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { Access, policy } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";

export interface MethodTraits {
  /** False for methods that anyone may call: a stale token must not spoil a login or a refresh. */
  readonly takesCredential: boolean;
  readonly hasRequestId: boolean;
  /** Repeating the request does no harm: it has no side effects, or its `request_id` makes the server answer as before. */
  readonly repeatable: boolean;
}

const known = new WeakMap<DescMethod, MethodTraits>();

function hasRequestId(method: DescMethod): boolean {
  const field = method.input.field.requestId;
  return field?.fieldKind === "scalar" && field.scalar === ScalarType.STRING;
}

function readTraits(method: DescMethod): MethodTraits {
  const { access } = getOption(method, policy);
  const byRequestId = hasRequestId(method);
  return {
    takesCredential: access !== Access.UNSPECIFIED && access !== Access.PUBLIC,
    hasRequestId: byRequestId,
    repeatable: byRequestId || method.idempotency === Idempotency.NO_SIDE_EFFECTS,
  };
}

export function traitsOf(method: DescMethod): MethodTraits {
  const traits = known.get(method) ?? readTraits(method);
  known.set(method, traits);
  return traits;
}
