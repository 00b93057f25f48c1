// What every call gets, whatever carries it: a deadline, a credential where the contract asks for one, one replay with a
// renewed token, a request id, typed errors. Knows no wire and no runtime.
import type { DescMethod } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import type { TokenProvider } from "../credentials/provider.ts";
import { toGatehouseError } from "../errors/decode.ts";
import { isReason } from "../errors/gatehouse-error.ts";
import { type Budget, createBudget } from "./budget.ts";
import { traitsOf } from "./method-traits.ts";
import { requestIdOf, withRequestId } from "./request-id.ts";

interface CallLayerDeps {
  readonly transport: Transport;
  readonly provider: TokenProvider | undefined;
  readonly deadlineMs: number;
}

const authorization = "authorization";

function withToken(headers: Headers, token: string): Headers {
  const copy = new Headers(headers);
  copy.set(authorization, `Bearer ${token}`);
  return copy;
}

async function* typedErrors<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw toGatehouseError(error);
  }
}

/** Calls once, and once more when the token was refused and the provider has a better one. */
async function callWithToken<T>(
  provider: TokenProvider,
  budget: Budget,
  headers: Headers,
  attempt: (headers: Headers) => Promise<T>,
): Promise<T> {
  const token = await budget.wait(provider.token());
  try {
    return await attempt(withToken(headers, token));
  } catch (thrown) {
    const error = toGatehouseError(thrown);
    if (provider.renew === undefined || !isReason(error, "CREDENTIAL_INVALID")) throw error;
    const renewed = await budget.wait(provider.renew(token));
    if (renewed === undefined || renewed === token) throw error;
    return await attempt(withToken(headers, renewed));
  }
}

export function createCallLayer({ transport, provider, deadlineMs }: CallLayerDeps): Transport {
  /** A header given with the call goes before the provider. */
  function providerFor(method: DescMethod, headers: Headers): TokenProvider | undefined {
    return traitsOf(method).takesCredential && !headers.has(authorization) ? provider : undefined;
  }

  return {
    async unary(method, signal, timeoutMs, header, input, values) {
      const budget = createBudget(timeoutMs ?? deadlineMs, signal);
      const message = traitsOf(method).hasRequestId ? withRequestId(method.input, input) : input;
      const headers = new Headers(header);
      const attempt = (sent: Headers) => transport.unary(method, signal, budget.left(), sent, message, values);
      const asked = providerFor(method, headers);
      try {
        return await (asked === undefined ? attempt(headers) : callWithToken(asked, budget, headers, attempt));
      } catch (error) {
        throw toGatehouseError(error, requestIdOf(message));
      }
    },

    /** A stream is not replayed: what was sent on it is gone. The token it starts with is as fresh as any. */
    async stream(method, signal, timeoutMs, header, input, values) {
      const budget = createBudget(timeoutMs ?? deadlineMs, signal);
      const headers = new Headers(header);
      const asked = providerFor(method, headers);
      try {
        const sent = asked === undefined ? headers : withToken(headers, await budget.wait(asked.token()));
        const response = await transport.stream(method, signal, budget.left(), sent, input, values);
        return { ...response, message: typedErrors(response.message) };
      } catch (error) {
        throw toGatehouseError(error);
      }
    },
  };
}
