// Refuses contracts in which a field that sounds like a credential is not marked, or is marked in only one of two ways.
import { type DescField, type DescMessage, type DescService, getOption, ScalarType } from "@bufbuild/protobuf";
import { data, FieldData } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";

const soundsSecret = /(^|_)(password|secret|token|credential|private_key|otp)(_|$)/;
// Names that hold the word and no secret.
const harmless: ReadonlySet<string> = new Set(["token_id", "token_expire_time", "secrets", "token_kind"]);

function carriesText(field: DescField): boolean {
  const isScalar = field.fieldKind === "scalar" || (field.fieldKind === "list" && field.listKind === "scalar");
  return isScalar && (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES);
}

function* fieldProblems(field: DescField): Generator<string> {
  const secret = getOption(field, data) === FieldData.SECRET;
  const redacted = field.proto.options?.debugRedact === true;
  const path = `${field.parent.typeName}.${field.name}`;
  if (secret !== redacted) yield `${path} must be marked both SECRET and debug_redact`;
  if (!secret && carriesText(field) && soundsSecret.test(field.name) && !harmless.has(field.name))
    yield `${path} sounds like a secret and is not marked as one`;
}

function* messageProblems(message: DescMessage, seen: Set<string>): Generator<string> {
  if (seen.has(message.typeName) || !message.typeName.startsWith("gatehouse.")) return;
  seen.add(message.typeName);
  for (const field of message.fields) {
    yield* fieldProblems(field);
    if (field.message) yield* messageProblems(field.message, seen);
  }
}

export function sensitiveFieldProblems(service: DescService): string[] {
  const seen = new Set<string>();
  return service.methods.flatMap((method) => [
    ...messageProblems(method.input, seen),
    ...messageProblems(method.output, seen),
  ]);
}
