// Writes buf/validate/validate.proto, which no npm package ships as text, from the descriptor that protovalidate
// carries, so that buf can resolve the import offline. Comments and predefined rules are not needed by buf and left out.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DescriptorProto, EnumDescriptorProto, FieldDescriptorProto } from "@bufbuild/protobuf/wkt";
import { FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate as source } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

const highestNumber = 536_870_911;
const labels: Readonly<Record<number, string>> = {
  [Label.OPTIONAL]: "optional ",
  [Label.REQUIRED]: "required ",
  [Label.REPEATED]: "repeated ",
};
const lines: string[] = [];

function emit(depth: number, text: string): void {
  lines.push("  ".repeat(depth) + text);
}

function block(depth: number, head: string, body: () => void): void {
  emit(depth, `${head} {`);
  body();
  emit(depth, "}");
}

function typeName(field: FieldDescriptorProto): string {
  return field.typeName || (Type[field.type] ?? "").toLowerCase();
}

function fieldOptions(field: FieldDescriptorProto): string {
  const options: string[] = [];
  if (field.options?.deprecated) options.push("deprecated = true");
  if (field.defaultValue) {
    options.push(`default = ${field.type === Type.STRING ? JSON.stringify(field.defaultValue) : field.defaultValue}`);
  }
  return options.length > 0 ? ` [${options.join(", ")}]` : "";
}

function writeField(depth: number, field: FieldDescriptorProto, label: string): void {
  emit(depth, `${label}${typeName(field)} ${field.name} = ${field.number}${fieldOptions(field)};`);
}

function mapEntry(message: DescriptorProto, field: FieldDescriptorProto): DescriptorProto | undefined {
  return message.nestedType.find((nested) => nested.options?.mapEntry && field.typeName.endsWith(`.${nested.name}`));
}

function writeMessageField(depth: number, message: DescriptorProto, field: FieldDescriptorProto): void {
  const [key, value] = mapEntry(message, field)?.field ?? [];
  if (key && value) emit(depth, `map<${typeName(key)}, ${typeName(value)}> ${field.name} = ${field.number};`);
  else writeField(depth, field, labels[field.label] ?? "");
}

/** The oneof of a field; an unset index lives on the prototype of the proto2 message. */
function oneofOf(field: FieldDescriptorProto): number | undefined {
  return Object.hasOwn(field, "oneofIndex") ? field.oneofIndex : undefined;
}

function writeFields(depth: number, message: DescriptorProto): void {
  for (const field of message.field) {
    if (oneofOf(field) === undefined) writeMessageField(depth, message, field);
  }
  message.oneofDecl.forEach((oneof, index) => {
    const members = message.field.filter((field) => oneofOf(field) === index);
    block(depth, `oneof ${oneof.name}`, () => {
      for (const member of members) writeField(depth + 1, member, "");
    });
  });
}

function range(start: number, end: number): string {
  if (start === end) return `${start}`;
  return `${start} to ${end >= highestNumber ? "max" : end}`;
}

function writeReserved(depth: number, of: DescriptorProto | EnumDescriptorProto, lastOffset: number): void {
  for (const reserved of of.reservedRange) {
    emit(depth, `reserved ${range(reserved.start, reserved.end - lastOffset)};`);
  }
  if (of.reservedName.length > 0) {
    emit(depth, `reserved ${of.reservedName.map((name) => JSON.stringify(name)).join(", ")};`);
  }
}

function writeEnum(depth: number, enumeration: EnumDescriptorProto): void {
  block(depth, `enum ${enumeration.name}`, () => {
    if (enumeration.options?.allowAlias) emit(depth + 1, "option allow_alias = true;");
    for (const value of enumeration.value) emit(depth + 1, `${value.name} = ${value.number};`);
    writeReserved(depth + 1, enumeration, 0);
  });
}

function writeExtensions(depth: number, extensions: readonly FieldDescriptorProto[]): void {
  for (const extension of extensions) {
    block(depth, `extend ${extension.extendee}`, () => {
      writeField(depth + 1, extension, labels[extension.label] ?? "");
    });
  }
}

function writeMessage(depth: number, message: DescriptorProto): void {
  block(depth, `message ${message.name}`, () => {
    writeFields(depth + 1, message);
    for (const nested of message.nestedType) if (!nested.options?.mapEntry) writeMessage(depth + 1, nested);
    for (const enumeration of message.enumType) writeEnum(depth + 1, enumeration);
    for (const free of message.extensionRange) emit(depth + 1, `extensions ${range(free.start, free.end - 1)};`);
    writeReserved(depth + 1, message, 1);
    writeExtensions(depth + 1, message.extension);
  });
}

const file = source.proto;
emit(0, `syntax = "${file.syntax || "proto2"}";`);
emit(0, `package ${file.package};`);
for (const dependency of file.dependency) emit(0, `import "${dependency}";`);
writeExtensions(0, file.extension);
for (const enumeration of file.enumType) writeEnum(0, enumeration);
for (const message of file.messageType) writeMessage(0, message);

const target = join("build/proto-deps", file.name.replace(/(\.proto)?$/, ".proto"));
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, `${lines.join("\n")}\n`);
