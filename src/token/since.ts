// What is issued after everything was ended that a principal was given through a client says so, and lives on.
import type { AccessTokens } from "./access-tokens.ts";
import type { Revocations } from "./revocations.ts";

/**
 * From memory: a replica that has yet to hear of the ending issues what is dead from its beginning, as it should be for whatever was
 * under way at that moment.
 */
export function issueSince(accessTokens: AccessTokens, revocations: Revocations): AccessTokens {
  return {
    issue(order) {
      const since = revocations.lastEnding(order.standing.principalId, order.clientId);
      return accessTokens.issue(since === undefined ? order : { ...order, since });
    },
  };
}
