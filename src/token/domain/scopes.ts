// Scopes of a session and of its access tokens. They only ever narrow.
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import { anyPermission } from "../../kernel/principal.ts";

/** RFC 6749 section 3.3. A space inside one scope would make two of it in the claim. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

function checkForm(scopes: readonly string[]): void {
  if (!scopes.every((scope) => scopeToken.test(scope)))
    throw invalidField("scopes", "must be scope tokens of RFC 6749");
}

/** The scopes that a new session is stored with. Empty = no narrowing. */
export function sessionScopes(wanted: readonly string[]): readonly string[] {
  checkForm(wanted);
  return wanted.length === 0 ? [anyPermission] : [...new Set(wanted)];
}

/** The scopes of one access token of a session; empty = all of the session. Throws SCOPE_EXCEEDS_GRANT, REQUEST_INVALID. */
export function narrowScopes(session: readonly string[], wanted: readonly string[]): readonly string[] {
  if (wanted.length === 0) return session;
  checkForm(wanted);
  const free = session.includes(anyPermission);
  if (!free && !wanted.every((scope) => session.includes(scope))) throw new GatehouseError("SCOPE_EXCEEDS_GRANT");
  return [...new Set(wanted)];
}
