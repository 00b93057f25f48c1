// Credentials from a login name and a password: logs in at the first call that needs it, refreshes from then on, and
// logs in again when the session has ended.
import { type Clock, systemClock } from "../core/clock.ts";
import type { AnonymousServices, CredentialFactory } from "./provider.ts";
import { answerWithoutTokens, refreshThrough, type ShownClient, showClient } from "./refreshing.ts";
import { createTokenKeeper, type TokensHook } from "./token-keeper.ts";
import { type Tokens, tokensOf } from "./tokens.ts";

export interface PasswordLoginOptions {
  readonly loginName: string;
  /** A function is asked at every login, so that the password need not stay in memory. */
  readonly password: string | (() => string | Promise<string>);
  /** The client to log in through. Default: the built-in one. */
  readonly client?: ShownClient;
  /** Audience of the access token. Default: the client's first one, or the installation's. */
  readonly audience?: string;
  /** Scopes to narrow the session to. Default: all that the client may have. */
  readonly scopes?: readonly string[];
  /** Name of the device for the list of sessions. */
  readonly deviceName?: string;
  /** Tokens of an earlier run; saves the login. */
  readonly tokens?: Tokens;
  /** As in `refreshing`. */
  readonly onTokens?: TokensHook;
  readonly clock?: Clock;
}

async function logIn({ auth }: AnonymousServices, options: PasswordLoginOptions): Promise<Tokens> {
  const { password } = options;
  const { outcome } = await auth.login({
    loginName: options.loginName,
    password: typeof password === "function" ? await password() : password,
    audience: options.audience ?? "",
    scopes: [...(options.scopes ?? [])],
    deviceName: options.deviceName ?? "",
    ...(await showClient(options.client)),
  });
  if (outcome.case !== "tokens") throw answerWithoutTokens();
  return tokensOf(outcome.value);
}

/** A refused login is not tried again: every later call fails with the same InvalidCredentials. */
export function passwordLogin(options: PasswordLoginOptions): CredentialFactory {
  return (services) =>
    createTokenKeeper({
      clock: options.clock ?? systemClock,
      stored: options.tokens,
      open: () => logIn(services, options),
      refresh: refreshThrough(services, options.client),
      onTokens: options.onTokens ?? (() => undefined),
    });
}
