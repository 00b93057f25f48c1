// The house rules that hold for every source file and that neither compiler nor linter knows.
import { dottedName, nodeAt, nodesAt, type SyntaxNode, walk } from "../../tools/source/syntax.ts";
import type { SourceFile } from "./source.ts";

const longestFile = 300;
// The last four are made for every call; docs/decisions/0010-objects-of-a-call.md says why.
const classesApart = new Set(["Secret", "EncodedAnswer", "CallView", "ExchangeState", "GrpcIncoming", "PlainCall"]);

/** Where a thing is allowed; everywhere else it is a fault. */
const homes = {
  environment: new Set(["src/main.ts"]),
  clock: new Set(["src/kernel/clock.ts"]),
  /** What a command prints; everything else that is said goes through the one logger. */
  output: new Set(["src/main.ts"]),
  logger: new Set(["src/logging.ts"]),
  inspection: new Set(["src/kernel/secret.ts"]),
};

/** Ways to print around the logger, and with it around its masks. */
const printers: readonly (readonly [RegExp, ReadonlySet<string>])[] = [
  [/^(globalThis\.)?console(\.|$)/, new Set()],
  [/^(globalThis\.)?process\.(stdout|stderr|report|emitWarning|_rawDebug)(\.|$)/, homes.output],
];

/** Imports that print, or that make text of what should stay an object. */
const printingImports: readonly (readonly [RegExp, RegExp, ReadonlySet<string>])[] = [
  [/^(node:)?(console|inspector|repl|tty|diagnostics_channel|trace_events)(\/|$)/, /./, new Set()],
  [/^pino(\/|$)/, /./, homes.logger],
  [/^(node:)?util$/, /^(debug|debuglog|log|format|formatWithOptions|inspect|default|\*)$/, homes.inspection],
];

function readsClock(node: SyntaxNode): boolean {
  const name = dottedName(nodeAt(node, "callee"));
  const empty = nodesAt(node, "arguments").length === 0;
  if (node.type === "NewExpression") return name === "Date" && empty;
  if (node.type !== "CallExpression") return false;
  return name === "Date.now" || name === "globalThis.Date.now" || name === "Date";
}

function nodeFault(path: string, node: SyntaxNode): string | undefined {
  const name = node.type === "MemberExpression" ? dottedName(node) : undefined;
  if (name?.startsWith("process.env") && !homes.environment.has(path)) return "reads process.env";
  if (name === "process.exit" && !homes.environment.has(path)) return "ends the process";
  if (name !== undefined && printers.some(([shape, home]) => shape.test(name) && !home.has(path)))
    return `prints with ${name.split(".").slice(0, 2).join(".")}, around the logger`;
  if (node.type === "ImportDeclaration" && importsPrinter(path, node))
    return "imports a way to print around the logger";
  if (name === "Math.random") return "uses Math.random, which an attacker can predict";
  if (readsClock(node) && !homes.clock.has(path)) return "reads the wall clock";
  if (node.type === "ImportDeclaration") return importedProcess(path, node);
  return node.type === "ClassDeclaration" || node.type === "ClassExpression" ? classFault(node) : undefined;
}

function importedNames(node: SyntaxNode): readonly string[] {
  return nodesAt(node, "specifiers").map((specifier) => {
    if (specifier.type === "ImportNamespaceSpecifier") return "*";
    return specifier.type === "ImportDefaultSpecifier" ? "default" : (dottedName(nodeAt(specifier, "imported")) ?? "*");
  });
}

function importsPrinter(path: string, node: SyntaxNode): boolean {
  if (node.importKind === "type") return false;
  const from = String(nodeAt(node, "source")?.value);
  return printingImports.some(
    ([module, name, home]) => module.test(from) && !home.has(path) && importedNames(node).some((one) => name.test(one)),
  );
}

/** `import { env } from "node:process"` is the same door under another name. */
function importedProcess(path: string, node: SyntaxNode): string | undefined {
  const from = nodeAt(node, "source")?.value;
  return (from === "node:process" || from === "process") && !homes.environment.has(path)
    ? "imports node:process"
    : undefined;
}

function classFault(node: SyntaxNode): string | undefined {
  const name = dottedName(nodeAt(node, "id")) ?? "";
  return nodeAt(node, "superClass") !== undefined || classesApart.has(name) ? undefined : `has the class ${name}`;
}

function shapeFaults({ path, text }: SourceFile): readonly string[] {
  const lines = text.split("\n").length - 1;
  return [
    ...(lines > longestFile ? [`has ${lines} lines`] : []),
    ...(/^(\/\/|\/\*)/.test(text) ? [] : ["does not say in its first line what it is for"]),
    ...(/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(path.slice(path.lastIndexOf("/") + 1))
      ? []
      : ["is not named in kebab-case"]),
    ...(/(^|\/)(utils?|helpers?|fns|index\.ts)(\/|$)/.test(path) ? ["is an attic or a barrel"] : []),
  ];
}

export function mannerFaults(file: SourceFile): readonly string[] {
  const found = [...walk(file.tree)].flatMap((node) => nodeFault(file.path, node) ?? []);
  return [...shapeFaults(file), ...new Set(found)].map((fault) => `${file.path} ${fault}`);
}
