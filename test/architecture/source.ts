// The product's source files, read and parsed once for the rules beside this file.
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { listFiles, root } from "../../tools/source/files.ts";
import { type ImportedModule, importsOf, parseSource, type SyntaxNode } from "../../tools/source/syntax.ts";

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly tree: SyntaxNode;
  readonly imports: readonly ImportedModule[];
}

export function sourceFile(path: string, text: string): SourceFile {
  const tree = parseSource(text, path);
  return { path, text, tree, imports: importsOf(tree) };
}

export function readSource(directory: string): readonly SourceFile[] {
  return listFiles(directory, ".ts").map((path) => sourceFile(path, readFileSync(`${root}/${path}`, "utf8")));
}

/** The path from the root that a relative import means; undefined for a package. */
export function resolveImport(from: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : undefined;
}
