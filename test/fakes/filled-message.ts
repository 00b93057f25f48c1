// Messages filled at random by their descriptors, so that whatever a contract gains is tried as well. The test decides
// what text each field gets, from what the contract says the field holds.
import { create, type DescField, type DescMessage, getOption, type Message, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { data, FieldData } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";

export interface Filling {
  /** A number from 0 to `below` - 1. */
  readonly choose: (below: number) => number;
  readonly text: (kind: FieldData, field: DescField) => string;
}

/** What stands around a field masks it, and messages of others are what the field is that holds them. */
function kindOf(field: DescField, around: FieldData): FieldData {
  if (!field.parent.typeName.startsWith("gatehouse.")) return around;
  const masked = around === FieldData.SECRET || around === FieldData.PERSONAL;
  return masked ? around : getOption(field, data);
}

function scalarOf(scalar: ScalarType, field: DescField, kind: FieldData, { choose, text }: Filling): unknown {
  if (scalar === ScalarType.STRING) return text(kind, field);
  if (scalar === ScalarType.BYTES) return Buffer.from(text(kind, field));
  if (scalar === ScalarType.BOOL) return choose(2) === 1;
  const wide = [ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64, ScalarType.FIXED64, ScalarType.SFIXED64];
  return wide.includes(scalar) ? BigInt(choose(1_000)) : choose(1_000);
}

function chosenValue(field: DescField, kind: FieldData, filling: Filling, depth: number): unknown {
  if (field.message !== undefined) return fillInto(field.message, kind, filling, depth + 1);
  if (field.enum !== undefined) return filling.choose(field.enum.values.length);
  return scalarOf(field.scalar ?? ScalarType.STRING, field, kind, filling);
}

function fillField(into: ReflectMessage, field: DescField, kind: FieldData, filling: Filling, depth: number): void {
  const times = 1 + filling.choose(3);
  if (field.fieldKind === "list")
    for (let time = 0; time < times; time += 1) into.get(field).add(chosenValue(field, kind, filling, depth) as never);
  else if (field.fieldKind === "map")
    for (let time = 0; time < times; time += 1)
      into
        .get(field)
        .set(scalarOf(field.mapKey, field, kind, filling) as never, chosenValue(field, kind, filling, depth) as never);
  else into.set(field, chosenValue(field, kind, filling, depth) as never);
}

function fillInto(schema: DescMessage, around: FieldData, filling: Filling, depth: number): ReflectMessage {
  const into = reflect(schema, create(schema), false);
  for (const field of depth < 6 ? schema.fields : [])
    if (filling.choose(4) > 0) fillField(into, field, kindOf(field, around), filling, depth);
  return into;
}

export function filledMessage(schema: DescMessage, filling: Filling): Message {
  return fillInto(schema, FieldData.UNSPECIFIED, filling, 0).message;
}
