// Walks one file and names everything in it that a debugger may ask for.
import type {
  DescriptorProto,
  EnumDescriptorProto,
  FieldDescriptorProto,
  FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";

export interface FileSymbols {
  /** Full names, without a leading dot. */
  readonly names: string[];
  readonly messages: string[];
  readonly extensions: { readonly extendee: string; readonly number: number }[];
}

function within(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}

/** Values of an enum are siblings of the enum, as in C++ (descriptor.proto). */
function addEnum(into: FileSymbols, scope: string, enumeration: EnumDescriptorProto): void {
  into.names.push(within(scope, enumeration.name));
  for (const value of enumeration.value) into.names.push(within(scope, value.name));
}

function addExtensions(into: FileSymbols, scope: string, extensions: readonly FieldDescriptorProto[]): void {
  for (const extension of extensions) {
    into.names.push(within(scope, extension.name));
    into.extensions.push({ extendee: extension.extendee.replace(/^\./, ""), number: extension.number });
  }
}

function addMessage(into: FileSymbols, scope: string, message: DescriptorProto): void {
  const name = within(scope, message.name);
  into.names.push(name);
  into.messages.push(name);
  for (const field of message.field) into.names.push(within(name, field.name));
  for (const oneof of message.oneofDecl) into.names.push(within(name, oneof.name));
  for (const nested of message.nestedType) addMessage(into, name, nested);
  for (const enumeration of message.enumType) addEnum(into, name, enumeration);
  addExtensions(into, name, message.extension);
}

export function symbolsOf(file: FileDescriptorProto): FileSymbols {
  const symbols: FileSymbols = { names: [], messages: [], extensions: [] };
  for (const message of file.messageType) addMessage(symbols, file.package, message);
  for (const enumeration of file.enumType) addEnum(symbols, file.package, enumeration);
  addExtensions(symbols, file.package, file.extension);
  for (const service of file.service) {
    const name = within(file.package, service.name);
    symbols.names.push(name);
    for (const method of service.method) symbols.names.push(within(name, method.name));
  }
  return symbols;
}
