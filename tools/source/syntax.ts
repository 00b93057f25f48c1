// Reads TypeScript as a syntax tree, for the rules that the compiler and the linter cannot know. The parser is the one
// that Vite carries, so no dependency of its own.
import { parseAst } from "vitest/node";

export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

export function parseSource(text: string, path = "a source text"): SyntaxNode {
  const tree = attempt(text, path);
  if (!isNode(tree)) throw new Error(`${path} gives no tree`);
  return tree;
}

function attempt(text: string, path: string): unknown {
  try {
    return parseAst(text, { lang: "ts" });
  } catch (cause) {
    throw new Error(`${path} cannot be parsed`, { cause });
  }
}

export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.values(node).flatMap((value) => (Array.isArray(value) ? value : [value]).filter(isNode));
}

/** Every node of the tree, parents first. */
export function* walk(node: SyntaxNode): Generator<SyntaxNode> {
  yield node;
  for (const child of childrenOf(node)) yield* walk(child);
}

export function nodeAt(node: SyntaxNode, field: string): SyntaxNode | undefined {
  const value = node[field];
  return isNode(value) ? value : undefined;
}

export function nodesAt(node: SyntaxNode, field: string): readonly SyntaxNode[] {
  const value = node[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The text of a string literal, or of a template with its gaps as spaces. */
export function literalText(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === "Literal" && typeof node.value === "string") return node.value;
  if (node?.type !== "TemplateLiteral") return undefined;
  return nodesAt(node, "quasis")
    .map((part) => (part.value as { readonly cooked?: string }).cooked ?? "")
    .join(" ");
}

/** `a.b` as text for an identifier or a chain of plain members; undefined for anything else. */
export function dottedName(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === "Identifier") return String(node.name);
  if (node?.type !== "MemberExpression") return undefined;
  const object = dottedName(nodeAt(node, "object"));
  const property = nodeAt(node, "property");
  const name = node.computed === true ? literalText(property) : dottedName(property);
  return object === undefined || name === undefined ? undefined : `${object}.${name}`;
}

const importingTypes = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);

export interface ImportedModule {
  readonly specifier: string;
  /** Erased at run time: it binds names in the types only. */
  readonly typeOnly: boolean;
}

function isTypeOnly(node: SyntaxNode): boolean {
  return node.type === "TSImportType" || node.importKind === "type" || node.exportKind === "type";
}

/** What a file imports in any way: statically, as types, re-exported or dynamically. A computed import is `<computed>`. */
export function importsOf(tree: SyntaxNode): readonly ImportedModule[] {
  const found: ImportedModule[] = [];
  for (const node of walk(tree)) {
    const source = nodeAt(node, "source");
    if (!importingTypes.has(node.type) || source === undefined) continue;
    found.push({ specifier: literalText(source) ?? "<computed>", typeOnly: isTypeOnly(node) });
  }
  return found;
}
