// Page tokens that hide nothing, but are taken only in their own scope.
import { GatehouseError } from "../../src/kernel/errors.ts";
import type { PageTokens } from "../../src/kernel/sealing.ts";

export const fakePageTokens: PageTokens = {
  seal: (scope, position) => JSON.stringify([scope, position]),
  open(scope, token) {
    if (token === "") return undefined;
    const start = `[${JSON.stringify(scope)},`;
    if (!token.startsWith(start)) throw new GatehouseError("PAGE_TOKEN_INVALID");
    return JSON.parse(token.slice(start.length, -1)) as string;
  },
};
