// Which rules there are, and which tests show them. A rule is a table row that starts with its id, in docs/standards.md
// or docs/requirements.md; a test shows it by naming the id at the start of its title.
import { dottedName, literalText, nodeAt, nodesAt, parseSource, type SyntaxNode, walk } from "../source/syntax.ts";

export interface Rule {
  readonly id: string;
  readonly section: string;
  readonly summary: string;
}

export interface Title {
  readonly file: string;
  readonly text: string;
  /** `it`, `test` or `describe`, as it is called, such as `it.each`. */
  readonly call: string;
}

const id = /^[A-Z]{1,4}-\d{2}$/;

/** Rows of a page's tables, each under the heading above it. Throws when an id stands twice. */
export function rulesOf(page: string): readonly Rule[] {
  let section = "";
  const rules: Rule[] = [];
  for (const line of page.split("\n")) {
    if (line.startsWith("## ")) section = line.slice(3);
    const [, first, ...cells] = line.split("|").map((cell) => cell.trim());
    if (first === undefined || !id.test(first)) continue;
    if (rules.some((rule) => rule.id === first)) throw new Error(`${first} stands twice`);
    rules.push({ id: first, section, summary: cells.filter((cell) => cell !== "").join(" - ") });
  }
  return rules;
}

function rootCall(callee: SyntaxNode | undefined): string | undefined {
  if (callee?.type === "CallExpression") return rootCall(nodeAt(callee, "callee"));
  if (callee?.type === "TaggedTemplateExpression") return rootCall(nodeAt(callee, "tag"));
  return dottedName(callee);
}

/** Titles of tests and groups, whatever form they are called in (`it`, `it.each(rows)(...)`, `it.each` with a template). */
export function titlesOf(file: string, text: string): readonly Title[] {
  return [...walk(parseSource(text, file))].flatMap((node) => {
    if (node.type !== "CallExpression") return [];
    const call = rootCall(nodeAt(node, "callee"));
    const title = literalText(nodesAt(node, "arguments")[0]);
    return call !== undefined && title !== undefined && /^(it|test|describe)(\.|$)/.test(call)
      ? [{ file, text: title, call }]
      : [];
  });
}

/** The ids that a title starts with. */
export function idsOf(title: string): readonly string[] {
  const words = title.split(" ");
  const end = words.findIndex((word) => !id.test(word));
  return end === -1 ? words : words.slice(0, end);
}

export function shownIds(titles: readonly Title[]): ReadonlySet<string> {
  return new Set(titles.flatMap((title) => idsOf(title.text)));
}
