// `fetch` as a client of secrets uses it: no cookies, no redirects, nothing in a cache or in a referrer, and a network
// that fails told apart from a server that answers.
import { Code, ConnectError } from "@connectrpc/connect";

export type Fetch = typeof globalThis.fetch;

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown.name === "AbortError" || thrown.name === "TimeoutError");
}

/** A browser does not say why: no network, no server, a redirect, or an origin that the server does not list. */
function unreachable(cause: unknown): ConnectError {
  return new ConnectError("the server was not reached", Code.Unavailable, undefined, undefined, cause);
}

export function carefully(fetch: Fetch): Fetch {
  return async (input, init) => {
    try {
      return await fetch(input, {
        ...init,
        // The token goes in a header of its own; a cookie would let other pages act in this one's name.
        credentials: "omit",
        redirect: "error",
        cache: "no-store",
        referrerPolicy: "no-referrer",
      });
    } catch (thrown) {
      if (init?.signal?.aborted || isAbort(thrown)) throw thrown;
      throw unreachable(thrown);
    }
  };
}
