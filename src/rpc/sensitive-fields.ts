// Refuses contracts in which text does not say what it holds, or a field that sounds like a credential is not marked, or is
// marked in only one of two ways.
import { type DescField, type DescMessage, type DescService, getOption, ScalarType } from "@bufbuild/protobuf";
import { data, FieldData } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";

const soundsSecret = /(^|_)(password|secret|token|credential|private_key|otp)(_|$)/;
// Names that hold the word and no secret.
const harmless: ReadonlySet<string> = new Set(["token_id", "token_expire_time", "secrets", "token_kind", "secret_id"]);

/** Messages of others that hold no text, and the mask, whose paths nobody needs to see. */
const textless = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.Empty",
  "google.protobuf.FieldMask",
]);

/** Text or bytes anywhere in it: map keys and messages of others count, messages of ours say it field by field. */
function mustSay(field: DescField): boolean {
  if (carriesText(field) || (field.fieldKind === "map" && isText(field.mapKey))) return true;
  if (field.fieldKind === "map" && field.mapKind === "scalar" && isText(field.scalar)) return true;
  const inner = field.message?.typeName;
  return inner !== undefined && !inner.startsWith("gatehouse.") && !textless.has(inner);
}

function isText(scalar: ScalarType): boolean {
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES;
}

function carriesText(field: DescField): boolean {
  const isScalar = field.fieldKind === "scalar" || (field.fieldKind === "list" && field.listKind === "scalar");
  return isScalar && isText(field.scalar);
}

function* fieldProblems(field: DescField): Generator<string> {
  const kind = getOption(field, data);
  const secret = kind === FieldData.SECRET;
  const redacted = field.proto.options?.debugRedact === true;
  const path = `${field.parent.typeName}.${field.name}`;
  if (secret !== redacted) yield `${path} must be marked both SECRET and debug_redact`;
  if (!secret && carriesText(field) && soundsSecret.test(field.name) && !harmless.has(field.name))
    yield `${path} sounds like a secret and is not marked as one`;
  if (kind === FieldData.UNSPECIFIED && mustSay(field)) yield `${path} holds text and does not say of which kind`;
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
