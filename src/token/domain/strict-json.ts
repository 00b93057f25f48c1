// JSON that can be read in one way only: an object, in UTF-8, without doubled member names, and not nested deeply.
import { TextDecoder } from "node:util";

export type JsonObject = { readonly [name: string]: unknown };

const deepest = 8;
/** Strings, with the colon that makes one a member name, and brackets. Meant for text that JSON.parse has accepted. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"(?<colon>\s*:)?|[{}[\]]/g;
// A byte order mark stays in the text, where JSON.parse refuses it (RFC 8259 section 8.1).
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** No object in the text has two members of one name. */
function namesOnce(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(tokens)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined && !addName(open.at(-1), token.slice(0, -colon.length))) return false;
  }
  return true;
}

/** False when the object has the name already, however it was escaped. */
function addName(names: Set<string> | undefined, literal: string): boolean {
  const name = literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);
  if (names === undefined || names.has(name)) return false;
  names.add(name);
  return true;
}

/** At most `levels` lists and objects within one another. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
}

/**
 * JSON.parse lets the last of two members win, and another parser may take the first (RFC 7515 section 4). What comes out the same
 * when it is written again has lost no member: our own tokens are like that, and a look at all of the text takes three times as long.
 */
function isUnambiguous(value: JsonObject, text: string): boolean {
  return JSON.stringify(value) === text || namesOnce(text);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined unless `bytes` are one such object. */
export function parseJsonObject(bytes: Buffer): JsonObject | undefined {
  try {
    const text = utf8.decode(bytes);
    const value: unknown = JSON.parse(text);
    return isObject(value) && isShallow(value, deepest) && isUnambiguous(value, text) ? value : undefined;
  } catch {
    return undefined;
  }
}
