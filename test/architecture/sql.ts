// The rules on SQL: where it stands, what it may say, and that what writes runs in a transaction.
import {
  childrenOf,
  dottedName,
  literalText,
  nodeAt,
  nodesAt,
  type SyntaxNode,
  walk,
} from "../../tools/source/syntax.ts";
import type { SourceFile } from "./source.ts";

const looksLikeSql =
  /^\s*(select\s+[\s\S]+|insert\s+into\s+\w+|update\s+[\w."]+\s+(as\s+)?\w*\s*set\s|delete\s+from\s+\w+|with\s+(recursive\s+)?\w+(\s*\([^)]*\))?\s+as\s+(not\s+)?(materialized\s+)?\(|merge\s+into\s|truncate\s+\w+|(create|alter|drop)\s+(table|index|role|schema|function|trigger|unique|extension|database|type|view|policy)\b)/i;
const writes =
  /\b(insert\s+into|update\s+[\w."]+(\s+(as\s+)?(?!set\b)\w+)?\s+set|delete\s+from|merge\s+into|truncate)\b/i;
const databaseTime =
  /\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b/i;
const star = /(\bselect|\breturning|,)\s+(\w+\.)?\*/i;

/** What only whoever holds a transaction, or the two who may write alone, can call. */
const writers = new Set(["Transaction", "LoneWriter"]);

function isStore(path: string): boolean {
  return path.endsWith("/store.ts") || path.startsWith("src/postgres/");
}

function withoutComments(sql: string): string {
  return sql.replace(/--[^\n]*/g, "").replace(/\/\*[\s\S]*?\*\//g, "");
}

/** Faults of one SQL text, wherever it stands: a store, a migration. */
export function textFaults(sql: string): readonly string[] {
  const bare = withoutComments(sql);
  return [
    ...(databaseTime.test(bare) ? ["asks Postgres for the time, which is a parameter"] : []),
    ...(star.test(bare) ? ["selects *, where columns are listed"] : []),
  ];
}

/** Top-level constants that are plain text: a list of columns may be shared between statements. */
function constantTexts(file: SourceFile): ReadonlySet<string> {
  const declarations = nodesAt(file.tree, "body").flatMap((node) =>
    nodesAt(nodeAt(node, "declaration") ?? node, "declarations"),
  );
  const texts = declarations.filter((node) => literalText(nodeAt(node, "init")) !== undefined);
  return new Set(texts.flatMap((node) => dottedName(nodeAt(node, "id")) ?? []));
}

/** Stores whose statements are put together from constants alone, each with its reason. Values are parameters there too. */
const composing: ReadonlyMap<string, string> = new Map([
  ["src/audit/audit/store.ts", "one statement for each combination of filters, so that each gets a plan of its own"],
]);

type Place = "module" | "factory" | "function";

const functions = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

/**
 * Where code runs: at module level every part of a text is a constant; a function of the file's own that answers a
 * `Statement` puts constants together; any other function could put a caller's value in.
 */
function placeWithin(node: SyntaxNode, place: Place, exported: boolean): Place {
  if (!functions.has(node.type) || place !== "module") return place;
  const answers = nodeAt(nodeAt(node, "returnType") ?? node, "typeAnnotation");
  const isFactory = answers !== undefined && dottedName(nodeAt(answers, "typeName")) === "Statement";
  return isFactory && !exported ? "factory" : "function";
}

function isBuilt(node: SyntaxNode, constants: ReadonlySet<string>, place: Place): boolean {
  if (place !== "function") return false;
  return nodesAt(node, "expressions").some(
    (part) => part.type !== "Identifier" || !constants.has(dottedName(part) ?? ""),
  );
}

function sqlFaults(path: string, node: SyntaxNode, constants: ReadonlySet<string>, place: Place): readonly string[] {
  const text = literalText(node);
  if (text === undefined || !looksLikeSql.test(text) || !/\s/.test(text.trim())) return [];
  const built = path.endsWith("/store.ts") && !composing.has(path) && isBuilt(node, constants, place);
  return [
    ...(isStore(path) || !/\b(from|into|set|table|index|role)\b/i.test(text) ? [] : ["holds SQL outside a store"]),
    ...(built ? ["builds SQL from parts, where values are parameters"] : []),
    ...(isStore(path) ? textFaults(text) : []),
  ];
}

function* allSqlFaults(
  file: SourceFile,
  node: SyntaxNode,
  constants: ReadonlySet<string>,
  place: Place = "module",
  exported = false,
): Generator<string> {
  const inside = placeWithin(node, place, exported);
  yield* sqlFaults(file.path, node, constants, inside);
  const exports = exported || node.type === "ExportNamedDeclaration";
  for (const child of childrenOf(node)) yield* allSqlFaults(file, child, constants, inside, exports);
}

function propertyNamed(object: SyntaxNode, name: string): SyntaxNode | undefined {
  const property = nodesAt(object, "properties").find((one) => dottedName(nodeAt(one, "key")) === name);
  return property === undefined ? undefined : nodeAt(property, "value");
}

export interface StatementFound {
  readonly name: string;
  readonly text: string;
}

/** Every `{ name, text }` of a file, with the names of the constants that hold one. */
function statementsOf(file: SourceFile): {
  readonly found: readonly StatementFound[];
  readonly byConstant: ReadonlyMap<string, string>;
} {
  const found: StatementFound[] = [];
  const byConstant = new Map<string, string>();
  for (const node of walk(file.tree)) {
    const object = node.type === "ObjectExpression" ? node : nodeAt(node, "init");
    const name = object === undefined ? undefined : literalText(propertyNamed(object, "name"));
    const text = object === undefined ? undefined : literalText(propertyNamed(object, "text"));
    if (name === undefined || text === undefined) continue;
    if (node.type === "ObjectExpression") found.push({ name, text });
    const constant = node.type === "VariableDeclarator" ? dottedName(nodeAt(node, "id")) : undefined;
    if (constant !== undefined) byConstant.set(constant, text);
  }
  return { found, byConstant };
}

export function namedStatements(file: SourceFile): readonly StatementFound[] {
  return statementsOf(file).found;
}

/** The name of a parameter's type; of `Pick<Transaction, ...>` the type that is picked from. */
function typeName(parameter: SyntaxNode): string | undefined {
  const type = nodeAt(nodeAt(parameter, "typeAnnotation") ?? parameter, "typeAnnotation");
  if (type === undefined) return undefined;
  const name = dottedName(nodeAt(type, "typeName"));
  if (name !== "Pick") return name;
  const [picked] = nodesAt(nodeAt(type, "typeArguments") ?? type, "params");
  return picked === undefined ? undefined : dottedName(nodeAt(picked, "typeName"));
}

function mayWrite(parameter: SyntaxNode, inCommit: boolean): boolean {
  const type = typeName(parameter);
  return type === undefined ? inCommit : writers.has(type);
}

/** Names of the parameters, of this function and those around it, that may write. */
function writersIn(node: SyntaxNode, outer: ReadonlySet<string>, inCommit: boolean): ReadonlySet<string> {
  const able = nodesAt(node, "params").filter((parameter) => mayWrite(parameter, inCommit));
  return able.length === 0 ? outer : new Set([...outer, ...able.flatMap((parameter) => dottedName(parameter) ?? [])]);
}

/** `unitOfWork.commit(draft, async (tx) => ...)`: what is handed in receives a transaction. */
function isCommit(node: SyntaxNode): boolean {
  const callee = node.type === "CallExpression" ? nodeAt(node, "callee") : undefined;
  return callee !== undefined && (dottedName(nodeAt(callee, "property")) ?? dottedName(callee)) === "commit";
}

function runFault(
  node: SyntaxNode,
  able: ReadonlySet<string>,
  byConstant: ReadonlyMap<string, string>,
): string | undefined {
  const callee = nodeAt(node, "callee");
  const method = callee === undefined ? undefined : dottedName(nodeAt(callee, "property"));
  if (node.type !== "CallExpression" || callee === undefined || (method !== "rows" && method !== "write"))
    return undefined;
  const [statement] = nodesAt(node, "arguments");
  const inline = statement === undefined ? undefined : literalText(propertyNamed(statement, "text"));
  const text = inline ?? byConstant.get(dottedName(statement) ?? "");
  if (text === undefined || !writes.test(withoutComments(text))) return undefined;
  const runner = dottedName(nodeAt(callee, "object")) ?? "?";
  return able.has(runner) ? undefined : `writes through ${runner}, which is no parameter of type Transaction`;
}

interface Surroundings {
  readonly able: ReadonlySet<string>;
  readonly inCommit: boolean;
  readonly byConstant: ReadonlyMap<string, string>;
}

function* writeFaults(node: SyntaxNode, around: Surroundings): Generator<string> {
  const able = writersIn(node, around.able, around.inCommit);
  const fault = runFault(node, able, around.byConstant);
  if (fault !== undefined) yield fault;
  for (const child of childrenOf(node)) yield* writeFaults(child, { ...around, able, inCommit: isCommit(node) });
}

export function statementFaults(file: SourceFile): readonly string[] {
  const { byConstant } = statementsOf(file);
  const constants = constantTexts(file);
  const texts = [...allSqlFaults(file, file.tree, constants)];
  const runs = file.path.startsWith("src/postgres/")
    ? []
    : [...writeFaults(file.tree, { able: new Set(), inCommit: false, byConstant })];
  return [...texts, ...runs].map((fault) => `${file.path} ${fault}`);
}

/** Names that more than one statement carries: they become names of prepared statements, one meaning each. */
export function doubledNames(files: readonly SourceFile[]): readonly string[] {
  const names = files.flatMap((file) => namedStatements(file).map((statement) => statement.name));
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
