// The contracts as reflection asks for them: by file, by symbol, by extension.
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { splitFileDescriptorSet } from "./split.ts";
import { symbolsOf } from "./symbols.ts";

export interface DescriptorFile {
  readonly name: string;
  readonly imports: readonly string[];
  /** The original bytes of the FileDescriptorProto. */
  readonly bytes: Uint8Array;
}

export interface DescriptorFiles {
  named(name: string): DescriptorFile | undefined;
  declaring(symbol: string): DescriptorFile | undefined;
  extending(message: string, number: number): DescriptorFile | undefined;
  /** Numbers of all extensions of the message; undefined when there is no such message. */
  extensionNumbers(message: string): readonly number[] | undefined;
  /** `file` first, then what it imports, directly or not, without the names in `known`. */
  withImports(file: DescriptorFile, known: ReadonlySet<string>): readonly DescriptorFile[];
}

interface Index {
  readonly byName: Map<string, DescriptorFile>;
  readonly bySymbol: Map<string, DescriptorFile>;
  /** Extended message -> number -> file. Every message has an entry. */
  readonly byExtension: Map<string, Map<number, DescriptorFile>>;
}

function addFile(index: Index, bytes: Uint8Array): void {
  const decoded = fromBinary(FileDescriptorProtoSchema, bytes);
  const file = { name: decoded.name, imports: decoded.dependency, bytes };
  const symbols = symbolsOf(decoded);
  index.byName.set(file.name, file);
  for (const name of symbols.names) index.bySymbol.set(name, file);
  for (const message of symbols.messages) numbersOf(index, message);
  for (const { extendee, number } of symbols.extensions) numbersOf(index, extendee).set(number, file);
}

function numbersOf(index: Index, message: string): Map<number, DescriptorFile> {
  const known = index.byExtension.get(message);
  if (known !== undefined) return known;
  const numbers = new Map<number, DescriptorFile>();
  index.byExtension.set(message, numbers);
  return numbers;
}

function withImports(index: Index, file: DescriptorFile, known: ReadonlySet<string>): readonly DescriptorFile[] {
  const seen = new Set([...known, file.name]);
  const found = [file];
  // The list grows while it is walked.
  for (const importer of found) {
    for (const name of importer.imports) {
      const imported = index.byName.get(name);
      if (imported === undefined || seen.has(name)) continue;
      seen.add(name);
      found.push(imported);
    }
  }
  return found;
}

/** `set` is a serialised FileDescriptorSet. Throws when it is not. */
export function indexDescriptors(set: Uint8Array): DescriptorFiles {
  const index: Index = { byName: new Map(), bySymbol: new Map(), byExtension: new Map() };
  for (const bytes of splitFileDescriptorSet(set)) addFile(index, bytes);
  return {
    named: (name) => index.byName.get(name),
    declaring: (symbol) => index.bySymbol.get(symbol),
    extending: (message, number) => index.byExtension.get(message)?.get(number),
    extensionNumbers(message) {
      const numbers = index.byExtension.get(message);
      return numbers === undefined ? undefined : [...numbers.keys()].sort((a, b) => a - b);
    },
    withImports: (file, known) => withImports(index, file, known),
  };
}
