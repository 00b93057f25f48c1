// The claim `cnf` (RFC 7800): what a token is bound to. One thing; a token that names none or two is not ours.
import type { Confirmation } from "../../kernel/principal.ts";
import { asObject, malformed, text } from "./claim-values.ts";
import type { JsonObject } from "./strict-json.ts";

/** RFC 9449 section 6.1, RFC 8705 section 3.1. */
const members = { key: "jkt", certificate: "x5t#S256" } as const;

/** SHA-256 in base64url: 43 characters, the last of which has two bits to spare. */
const thumbprintPattern = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

function isThumbprint(value: string): boolean {
  return thumbprintPattern.test(value);
}

export function writeConfirmation(confirmation: Confirmation | undefined): JsonObject | undefined {
  return confirmation && { [members[confirmation.kind]]: confirmation.thumbprint };
}

export function readConfirmation(payload: JsonObject): Confirmation {
  const cnf = asObject(payload.cnf);
  const [name, ...more] = Object.keys(cnf);
  const kind = name === members.key ? "key" : "certificate";
  const thumbprint = text(cnf, members[kind]);
  if (more.length > 0 || !isThumbprint(thumbprint)) throw malformed();
  return { kind, thumbprint };
}
