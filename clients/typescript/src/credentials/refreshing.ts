// Credentials from tokens at hand: a session that was opened elsewhere, or before a restart.
import { type Clock, systemClock } from "../core/clock.ts";
import { GatehouseError } from "../errors/gatehouse-error.ts";
import type { AnonymousServices, CredentialFactory } from "./provider.ts";
import { createTokenKeeper, type TokensHook } from "./token-keeper.ts";
import { type Tokens, tokensOf } from "./tokens.ts";

/** An application that ClientService knows. */
export interface ShownClient {
  readonly id: string;
  /** Of a confidential client. A function is asked at every use, so that a secret may change over. */
  readonly secret?: string | (() => string | Promise<string>);
}

export interface RefreshingOptions {
  readonly tokens: Tokens;
  /** The client that the session was opened through. Default: the built-in one. */
  readonly client?: ShownClient;
  /** Default: TokenService.Refresh of this client. */
  readonly refresh?: (refreshToken: string) => Promise<Tokens>;
  /**
   * To store the tokens, which are secret. Called with each new pair before it is first used, and with undefined when the
   * session is over; when it fails, the calls that wait fail, and the next one tries to store again.
   */
  readonly onTokens?: TokensHook;
  readonly clock?: Clock;
}

/** As Login and Refresh ask for it. */
export async function showClient(client: ShownClient | undefined): Promise<{ clientId: string; clientSecret: string }> {
  const { id: clientId = "", secret = "" } = client ?? {};
  return { clientId, clientSecret: typeof secret === "function" ? await secret() : secret };
}

/** TokenService.Refresh as the keepers call it. */
export function refreshThrough(
  { tokens }: AnonymousServices,
  client?: ShownClient,
): (refreshToken: string) => Promise<Tokens> {
  return async (refreshToken) => {
    const answer = await tokens.refresh({ refreshToken, ...(await showClient(client)) });
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
      refresh: options.refresh ?? refreshThrough(services, options.client),
      onTokens: options.onTokens ?? (() => undefined),
    });
}
