// What a client may be handed of what is asked for. Asked wherever a token is given: at a login, a refresh, an exchange, and for
// the client's own.
import { GatehouseError } from "./errors.ts";
import type { Client } from "./ports.ts";
import { anyPermission } from "./principal.ts";

/** The client that nobody creates: people who log in to Gatehouse itself. */
export const builtInClient = "gatehouse";

/** The empty text asks for the client's first one. Throws AUDIENCE_UNKNOWN. */
export function audienceWithin(client: Client, wanted: string): string {
  const audience = wanted === "" ? client.audiences[0] : client.audiences.find((one) => one === wanted);
  if (audience === undefined) throw new GatehouseError("AUDIENCE_UNKNOWN");
  return audience;
}

/** None asks for all that the client may have. Throws SCOPE_EXCEEDS_GRANT. */
export function scopesWithin(client: Client, wanted: readonly string[]): readonly string[] {
  if (wanted.length === 0) return client.scopes;
  const free = client.scopes.includes(anyPermission);
  if (!free && !wanted.every((scope) => client.scopes.includes(scope))) throw new GatehouseError("SCOPE_EXCEEDS_GRANT");
  return wanted;
}

/** What the client may still have of scopes that were given before. Throws SCOPE_EXCEEDS_GRANT when that is nothing. */
export function scopesLeft(client: Client, given: readonly string[]): readonly string[] {
  if (client.scopes.includes(anyPermission)) return given;
  if (given.includes(anyPermission)) return client.scopes;
  const left = given.filter((scope) => client.scopes.includes(scope));
  if (left.length === 0) throw new GatehouseError("SCOPE_EXCEEDS_GRANT");
  return left;
}
