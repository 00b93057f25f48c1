// The house rules that hold for every source file and that neither compiler nor linter knows.
import { dottedName, nodeAt, nodesAt, type SyntaxNode, walk } from "../../tools/source/syntax.ts";
import type { SourceFile } from "./source.ts";

const longestFile = 300;
// The last three are made for every call; docs/decisions/0010-objects-of-a-call.md says why.
const classesApart = new Set(["Secret", "EncodedAnswer", "CallView", "ExchangeState", "GrpcIncoming"]);

/** Where a thing is allowed; everywhere else it is a fault. */
const homes = {
  environment: new Set(["src/main.ts"]),
  clock: new Set(["src/kernel/clock.ts"]),
};

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
  if (name?.startsWith("console.")) return "uses console";
  if (name === "Math.random") return "uses Math.random, which an attacker can predict";
  if (readsClock(node) && !homes.clock.has(path)) return "reads the wall clock";
  if (node.type === "ImportDeclaration") return importedProcess(path, node);
  return node.type === "ClassDeclaration" || node.type === "ClassExpression" ? classFault(node) : undefined;
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
