// `npm run standards`: which rules of docs/standards.md and docs/requirements.md have a test, and which have none.
// Ends with 0; with `--strict` a rule without a test, or an id that no rule has, ends with 1.
import { readFileSync } from "node:fs";
import { listFiles, root } from "./source/files.ts";
import { type Rule, rulesOf, shownIds, titlesOf } from "./standards/ids.ts";

const read = (path: string) => readFileSync(`${root}/${path}`, "utf8");
const rules = ["docs/standards.md", "docs/requirements.md"].flatMap((path) => rulesOf(read(path)));
const tests = [...listFiles("test", ".test.ts"), ...listFiles("clients/typescript", ".test.ts")];
const shown = shownIds(tests.flatMap((path) => titlesOf(path, read(path))));

function printSection(name: string, own: readonly Rule[]): void {
  const covered = own.filter((rule) => shown.has(rule.id));
  console.log(`\n${name}: ${covered.length} of ${own.length}`);
  if (covered.length > 0) console.log(`  with a test: ${covered.map((rule) => rule.id).join(" ")}`);
  for (const rule of own)
    if (!shown.has(rule.id)) console.log(`  without:     ${rule.id.padEnd(7)} ${rule.summary.slice(0, 100)}`);
}

for (const section of new Set(rules.map((rule) => rule.section)))
  printSection(
    section,
    rules.filter((rule) => rule.section === section),
  );

const known = new Set(rules.map((rule) => rule.id));
const unknown = [...shown].filter((id) => !known.has(id));
const missing = rules.filter((rule) => !shown.has(rule.id));
console.log(`\n${rules.length - missing.length} of ${rules.length} rules have a test`);
if (unknown.length > 0) console.log(`ids in titles that no rule has: ${unknown.join(" ")}`);
if (process.argv.includes("--strict") && missing.length + unknown.length > 0) process.exitCode = 1;
