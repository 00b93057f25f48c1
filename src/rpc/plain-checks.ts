// The commonest rules of a contract as plain checks. They know only what is certainly valid; everything else, every
// violation and every rule not named here is for protovalidate, which costs ten times as much.
import { type DescField, type DescMessage, getOption, hasOption, type Message } from "@bufbuild/protobuf";
import { field as fieldRules, message as messageRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** True = valid; false = ask protovalidate. */
export type CertainlyValid = (message: Message) => boolean;

type ValueCheck = (value: unknown) => boolean;
type RuleCheck = (bound: unknown) => ValueCheck;

// Length in UTF-16 units bounds both code points and bytes, from one side each.
const stringChecks: Readonly<Record<string, RuleCheck>> = {
  minLen: (bound) => (value) => (value as string).length >= 2 * Number(bound) || (Number(bound) === 1 && value !== ""),
  maxLen: (bound) => (value) => (value as string).length <= Number(bound),
  maxBytes: (bound) => (value) => 3 * (value as string).length <= Number(bound),
};

const integerChecks: Readonly<Record<string, RuleCheck>> = {
  greaterThan: (bound) => {
    const { case: kind, value: least } = bound as { case: string; value: number };
    return kind === "gte" ? (value) => (value as number) >= least : () => false;
  },
};

function enumChecks(field: DescField): Readonly<Record<string, RuleCheck>> {
  const numbers = new Set(field.enum?.values.map(({ number }) => number));
  return { definedOnly: () => (value) => numbers.has(value as number) };
}

function isUnset(rule: unknown): boolean {
  if (rule === undefined || rule === false) return true;
  if (Array.isArray(rule)) return rule.length === 0;
  return typeof rule === "object" && rule !== null && "case" in rule && rule.case === undefined;
}

/** Undefined when some rule is not among those known. */
function compile(rules: object, known: Readonly<Record<string, RuleCheck>>): ValueCheck[] | undefined {
  const checks: ValueCheck[] = [];
  for (const [name, bound] of Object.entries(rules)) {
    if (name.startsWith("$") || isUnset(bound)) continue;
    const check = Object.hasOwn(known, name) ? known[name] : undefined;
    if (check === undefined) return undefined;
    checks.push(check(bound));
  }
  return checks;
}

function knownRules(field: DescField, kind: string | undefined): Readonly<Record<string, RuleCheck>> | undefined {
  if (kind === "string" && field.fieldKind === "scalar") return stringChecks;
  if (kind === "int32" && field.fieldKind === "scalar") return integerChecks;
  return kind === "enum" && field.fieldKind === "enum" ? enumChecks(field) : undefined;
}

function compileField(field: DescField): ValueCheck[] | undefined {
  if (field.message !== undefined) return undefined;
  if (!hasOption(field, fieldRules)) return [];
  const rules = getOption(field, fieldRules);
  const known = knownRules(field, rules.type.case);
  if (known === undefined || rules.cel.length > 0 || rules.required || rules.ignore !== 0) return undefined;
  return compile(rules.type.value ?? {}, known);
}

/** Undefined when the message has rules that only protovalidate knows. */
export function plainChecks(schema: DescMessage): CertainlyValid | undefined {
  if (hasOption(schema, messageRules)) return undefined;
  const compiled: { readonly property: string; readonly check: ValueCheck }[] = [];
  for (const field of schema.fields) {
    const checks = compileField(field);
    if (checks === undefined) return undefined;
    compiled.push(...checks.map((check) => ({ property: field.localName, check })));
  }
  return (message) => {
    const values = message as unknown as Readonly<Record<string, unknown>>;
    for (const { property, check } of compiled) if (!check(values[property])) return false;
    return true;
  };
}
