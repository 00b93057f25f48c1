// Credentials from tokens at hand: a session that was opened elsewhere, or before a restart.
import { type Clock, systemClock } from "../core/clock.ts";
import { GatehouseError } from "../errors/gatehouse-error.ts";
import type { AnonymousServices, CredentialFactory } from "./provider.ts";
import { createTokenKeeper, type TokensHook } from "./token-keeper.ts";
import { type Tokens, tokensOf } from "./tokens.ts";

export interface RefreshingOptions {
  readonly tokens: Tokens;
  /** Default: TokenService.Refresh of this client. */
  readonly refresh?: (refreshToken: string) => Promise<Tokens>;
  /**
   * To store the tokens, which are secret. Called with each new pair before it is first used, and with undefined when the
   * session is over; when it fails, the calls that wait fail, and the next one tries to store again.
   */
  readonly onTokens?: TokensHook;
  readonly clock?: Clock;
}

/** TokenService.Refresh as the keepers call it. */
export function refreshThrough({ tokens }: AnonymousServices): (refreshToken: string) => Promise<Tokens> {
  return async (refreshToken) => {
    const answer = await tokens.refresh({ refreshToken });
    if (answer.tokens === undefined) throw answerWithoutTokens();
    return tokensOf(answer.tokens);
  };
}

export function answerWithoutTokens(): GatehouseError {
  return new GatehouseError({ message: "the server's answer holds no tokens", reason: "UNKNOWN", grpcCode: 2 });
}

export function refreshing(options: RefreshingOptions): CredentialFactory {
  return (services) =>
    createTokenKeeper({
      clock: options.clock ?? systemClock,
      stored: options.tokens,
      open: undefined,
      refresh: options.refresh ?? refreshThrough(services),
      onTokens: options.onTokens ?? (() => undefined),
    });
}
