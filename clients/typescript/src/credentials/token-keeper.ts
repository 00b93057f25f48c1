// Keeps one session's tokens fresh, however many calls ask at once: one login, one refresh at a time, a refresh token
// never presented again once its successor is here.
import type { Clock } from "../core/clock.ts";
import { isReason } from "../errors/gatehouse-error.ts";
import { type HeldTokens, holdFresh, holdStored } from "./held-tokens.ts";
import type { TokenProvider } from "./provider.ts";
import type { Tokens } from "./tokens.ts";

/** After a refresh ahead of time failed, the token at hand is used this long before the next attempt. */
const pauseMs = 5_000;

/** A token this young that is refused will not get better by another one. */
const youngMs = 1_000;

/** Called with every new pair before it is used, and with undefined when the session is over. */
export type TokensHook = (tokens: Tokens | undefined) => void | Promise<void>;

export interface TokenKeeperDeps {
  readonly clock: Clock;
  readonly stored: Tokens | undefined;
  /** Opens a session; without it, the end of the session is the end of the keeper. */
  readonly open: (() => Promise<Tokens>) | undefined;
  readonly refresh: (refreshToken: string) => Promise<Tokens>;
  readonly onTokens: TokensHook;
}

export function createTokenKeeper({
  clock,
  stored,
  open,
  refresh,
  onTokens,
}: TokenKeeperDeps): Required<TokenProvider> {
  let held: HeldTokens | undefined = stored && holdStored(stored, clock.now());
  let saved = true;
  let flight: Promise<string> | undefined;
  let notBefore = 0;
  let over: unknown;

  async function save(): Promise<void> {
    saved = false;
    await onTokens(held?.tokens);
    saved = true;
  }

  async function hold(tokens: Tokens): Promise<string> {
    held = holdFresh(tokens, clock.now());
    notBefore = 0;
    await save();
    return tokens.accessToken;
  }

  async function reopen(): Promise<string> {
    if (open === undefined) throw over;
    try {
      return await hold(await open());
    } catch (error) {
      // A wrong password does not get better by repeating, and repeating locks accounts.
      if (isReason(error, "LOGIN_FAILED")) over = error;
      throw error;
    }
  }

  async function advance(): Promise<string> {
    if (held === undefined) return await reopen();
    try {
      return await hold(await refresh(held.tokens.refreshToken));
    } catch (error) {
      if (!isReason(error, "REFRESH_TOKEN_INVALID")) throw error;
      held = undefined;
      if (open === undefined) over = error;
      await save();
      return await reopen();
    }
  }

  async function saveAgain(token: string): Promise<string> {
    await save();
    return token;
  }

  function fly(step: () => Promise<string>): Promise<string> {
    flight ??= step().finally(() => {
      flight = undefined;
    });
    return flight;
  }

  function flyAhead(now: number): void {
    if (flight !== undefined || now < notBefore) return;
    notBefore = now + pauseMs;
    // The token at hand is still good; whoever comes after its end hears of a failure.
    fly(advance).catch(() => undefined);
  }

  function token(): string | Promise<string> {
    if (over !== undefined) throw over;
    if (held === undefined) return fly(advance);
    const { tokens, renewAt, diesAt } = held;
    if (!saved) return fly(() => saveAgain(tokens.accessToken));
    const now = clock.now();
    if (now >= diesAt) return fly(advance);
    if (now >= renewAt) flyAhead(now);
    return tokens.accessToken;
  }

  return {
    token,
    async renew(refused) {
      if (over !== undefined) return undefined;
      if (held !== undefined && held.tokens.accessToken !== refused) return await token();
      if (held !== undefined && clock.now() - held.since < youngMs) return undefined;
      return await fly(advance);
    },
  };
}
