// `gatehouse decode`: what a token says of itself, for whoever looks for a fault. Nothing is verified, and the part that makes it
// a credential is never printed, so the output may be shown to others as far as its claims may.
import { StartRefused } from "./kernel/start-refused.ts";
import { parseJsonObject } from "./token/domain/strict-json.ts";

/** Larger than any token that is accepted anywhere here. */
export const mostTokenBytes = 64 * 1024;

const instants: ReadonlySet<string> = new Set(["iat", "nbf", "exp", "auth_time", "updated_at"]);
const opaque: readonly (readonly [RegExp, string])[] = [
  [/^ghr_/, "a refresh token: opaque, there is nothing to read in it"],
  [/^gh[a-z]_/, "a credential of Gatehouse that is no JWT: opaque, there is nothing to read in it"],
];
const warning = [
  "NOT VERIFIED: anybody can write a token that says this.",
  "Ask gatehouse.token.v1.TokenService/Introspect whether it is live.",
].join("\n");

function refused(): StartRefused {
  return new StartRefused("what came in is no JWT: three parts of base64url, or five when it is encrypted");
}

/** A terminal shows what is below U+0020 or beyond ASCII as it likes; here it is spelled out. */
function printable(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function objectIn(part: string): { readonly bytes: Buffer; readonly value: object } {
  if (!/^[\w-]+$/.test(part)) throw refused();
  const bytes = Buffer.from(part, "base64url");
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value === "object" && value !== null) return { bytes, value };
  } catch {
    throw refused();
  }
  throw refused();
}

function section(title: string, part: string): readonly string[] {
  const { bytes, value } = objectIn(part);
  const doubtful = parseJsonObject(bytes) === undefined;
  return [
    `${title}:`,
    printable(value),
    ...(doubtful ? ["(doubled or deeply nested members, or no object: other readers may read something else)"] : []),
  ];
}

function times(part: string): readonly string[] {
  return Object.entries(objectIn(part).value).flatMap(([name, seconds]) => {
    if (!instants.has(name) || typeof seconds !== "number" || Math.abs(seconds) > 8.64e12) return [];
    return `  ${name.padEnd(9)} ${new Date(seconds * 1000).toISOString()}`;
  });
}

function signed([header = "", payload = "", signature = ""]: readonly string[]): readonly string[] {
  const at = times(payload);
  return [
    ...section("header", header),
    ...section("claims", payload),
    ...(at.length === 0 ? [] : ["times:", ...at]),
    signature === "" ? "signature: none" : `signature: ${Buffer.from(signature, "base64url").length} bytes, not shown`,
  ];
}

function encrypted([header = ""]: readonly string[]): readonly string[] {
  return [...section("header", header), "claims: encrypted for the audience"];
}

/** What to print. Throws StartRefused without a word of what came in. */
export function describeToken(input: string): string {
  const token = input.trim().replace(/^bearer\s+/i, "");
  const known = opaque.find(([pattern]) => pattern.test(token));
  if (known !== undefined) return known[1];
  const parts = token.split(".");
  if (parts.length !== 3 && parts.length !== 5) throw refused();
  return [...(parts.length === 3 ? signed(parts) : encrypted(parts)), "", warning].join("\n");
}
