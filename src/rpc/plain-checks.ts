// The commonest rules of a contract as plain checks. They know only what is certainly valid; everything else, every
// violation and every rule not named here is for protovalidate, which costs ten times as much.
import { type DescField, type DescMessage, getOption, hasOption, type Message, ScalarType } from "@bufbuild/protobuf";
import {
  type FieldRules,
  field as fieldRules,
  message as messageRules,
  oneof as oneofRules,
  type RepeatedRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

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

const listChecks: Readonly<Record<string, RuleCheck>> = {
  minItems: (bound) => (value) => (value as readonly unknown[]).length >= Number(bound),
  maxItems: (bound) => (value) => (value as readonly unknown[]).length <= Number(bound),
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
  if (kind === "string" && isOf(field, ScalarType.STRING)) return stringChecks;
  if (kind === "int32" && isOf(field, ScalarType.INT32)) return integerChecks;
  return kind === "enum" && field.enum !== undefined ? enumChecks(field) : undefined;
}

function isOf(field: DescField, type: ScalarType): boolean {
  return (field.fieldKind === "scalar" || field.fieldKind === "list") && field.scalar === type;
}

/** What `rules` ask of one value of `field`; undefined when they ask for something else as well. */
function compileValue(field: DescField, rules: FieldRules): ValueCheck[] | undefined {
  const known = knownRules(field, rules.type.case);
  if (known === undefined || rules.cel.length > 0 || rules.required || rules.ignore !== 0) return undefined;
  return compile(rules.type.value ?? {}, known);
}

function compileItems(field: DescField, { items, ...rules }: RepeatedRules): ValueCheck[] | undefined {
  const checks = compile(rules, listChecks);
  const ofItem = items === undefined ? [] : compileValue(field, items);
  if (checks === undefined || ofItem === undefined) return undefined;
  return [
    ...checks,
    (values) => (values as readonly unknown[]).every((value) => ofItem.every((check) => check(value))),
  ];
}

function compileRules(field: DescField, rules: FieldRules): ValueCheck[] | undefined {
  if (rules.type.case !== "repeated" || field.fieldKind !== "list") return compileValue(field, rules);
  if (rules.cel.length > 0 || rules.required || rules.ignore !== 0) return undefined;
  return compileItems(field, rules.type.value);
}

/** A message is valid where it is absent, since no rule here asks for presence. */
function compileMessage(field: DescField, above: ReadonlySet<string>): ValueCheck[] | undefined {
  if (field.message === undefined || field.fieldKind !== "message" || hasOption(field, fieldRules)) return undefined;
  const inner = compileFields(field.message, above);
  return inner && [(value) => value === undefined || inner(value as Message)];
}

function compileField(field: DescField, above: ReadonlySet<string>): ValueCheck[] | undefined {
  if (field.message !== undefined) return compileMessage(field, above);
  return hasOption(field, fieldRules) ? compileRules(field, getOption(field, fieldRules)) : [];
}

interface Chosen {
  readonly case: string | undefined;
  readonly value?: unknown;
}

/** Of a field that is there when its oneof says so. */
function compileMember(field: DescField, above: ReadonlySet<string>): ValueCheck[] | undefined {
  return compileField(field, above)?.map((check) => (chosen) => {
    const { case: name, value } = chosen as Chosen;
    return name !== field.localName || check(value);
  });
}

interface Compiled {
  readonly property: string;
  readonly check: ValueCheck;
}

function compileOneofs(schema: DescMessage): Compiled[] {
  const required = schema.oneofs.filter(
    (oneof) => hasOption(oneof, oneofRules) && getOption(oneof, oneofRules).required,
  );
  return required.map(({ localName }) => ({
    property: localName,
    check: (chosen) => (chosen as Chosen).case !== undefined,
  }));
}

function compileFields(schema: DescMessage, above: ReadonlySet<string>): CertainlyValid | undefined {
  if (hasOption(schema, messageRules) || above.has(schema.typeName)) return undefined;
  const within = new Set([...above, schema.typeName]);
  const compiled = compileOneofs(schema);
  for (const field of schema.fields) {
    const { oneof, localName } = field;
    const checks = oneof === undefined ? compileField(field, within) : compileMember(field, within);
    if (checks === undefined) return undefined;
    compiled.push(...checks.map((check) => ({ property: oneof?.localName ?? localName, check })));
  }
  return (message) => {
    const values = message as unknown as Readonly<Record<string, unknown>>;
    for (const { property, check } of compiled) if (!check(values[property])) return false;
    return true;
  };
}

/** Undefined when the message has rules that only protovalidate knows. */
export function plainChecks(schema: DescMessage): CertainlyValid | undefined {
  return compileFields(schema, new Set());
}
