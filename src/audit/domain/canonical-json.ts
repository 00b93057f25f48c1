// Canonical JSON (RFC 8785) of the values that evidence is made of: text, integers, booleans, null, lists and objects.
// Narrower than the RFC on purpose: what two languages could write in two ways (fractions, lone surrogates) is refused,
// so that any verifier arrives at the same bytes. Equal to npm `canonicalize` on all it accepts; a test shows it.

export type CanonicalValue =
  | string
  | number
  | boolean
  | null
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue | undefined };

const deepest = 32;

function text(value: string): string {
  if (!value.isWellFormed()) throw new RangeError("canonical JSON holds well-formed text only");
  return JSON.stringify(value);
}

function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new RangeError("canonical JSON holds safe integers only");
  return String(value);
}

function list(values: readonly CanonicalValue[], depth: number): string {
  let out = "";
  for (const value of values) out += out === "" ? write(value, depth) : `,${write(value, depth)}`;
  return `[${out}]`;
}

/** The default order compares UTF-16 code units, which is what RFC 8785 section 3.2.3 asks for. Most are written in it already. */
function sortedKeys(value: object): readonly string[] {
  const keys = Object.keys(value);
  for (let at = 1; at < keys.length; at += 1) if ((keys[at - 1] ?? "") > (keys[at] ?? "")) return keys.sort();
  return keys;
}

/** Members whose value is undefined are absent, which is another thing than empty. */
function members(value: { readonly [key: string]: CanonicalValue | undefined }, depth: number): string {
  let out = "";
  for (const key of sortedKeys(value)) {
    const member = value[key];
    if (member !== undefined) out += `${out === "" ? "" : ","}${text(key)}:${write(member, depth)}`;
  }
  return `{${out}}`;
}

function write(value: CanonicalValue, depth: number): string {
  if (typeof value === "string") return text(value);
  if (typeof value === "number") return integer(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value === null) return "null";
  if (depth === deepest) throw new RangeError("canonical JSON is nested too deeply");
  return isList(value) ? list(value, depth + 1) : members(value, depth + 1);
}

function isList(value: CanonicalValue & object): value is readonly CanonicalValue[] {
  return Array.isArray(value);
}

export function canonicalJson(value: CanonicalValue): string {
  return write(value, 0);
}
