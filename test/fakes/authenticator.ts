// Knows a handful of tokens: whom each speaks for, or which way it is dead.
import { GatehouseError, type Reason } from "../../src/kernel/errors.ts";
import type { Authenticator } from "../../src/kernel/ports.ts";
import type { Principal } from "../../src/kernel/principal.ts";

export type KnownTokens = Readonly<Record<string, Principal | Reason>>;

export function createFakeAuthenticator(tokens: KnownTokens): Authenticator & { readonly asked: readonly string[] } {
  const asked: string[] = [];
  return {
    asked,
    authenticate(token) {
      asked.push(token);
      const known = Object.hasOwn(tokens, token) ? tokens[token] : undefined;
      if (known === undefined) throw new GatehouseError("TOKEN_MALFORMED");
      if (typeof known === "string") throw new GatehouseError(known);
      return known;
    },
  };
}
