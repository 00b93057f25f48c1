// A transport over `fetch`, in the protocol of Connect or in gRPC-Web, with the retries that gRPC's own clients have.
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import type { Line } from "../core/gatehouse.ts";
import type { RetryOptions } from "../core/retry-options.ts";
import { makeError } from "../errors/kinds.ts";
import { parseBaseUrl } from "./base-url.ts";
import { carefully, type Fetch } from "./careful-fetch.ts";
import { createPatience } from "./patience.ts";
import { createRetrying } from "./retrying.ts";

export interface WebOptions {
  /** Of the web door, such as `https://gatehouse.example.com`. */
  readonly baseUrl: string;
  /** Default `connect`; `grpc-web` where what stands between speaks only that. */
  readonly protocol?: "connect" | "grpc-web";
  /** Allows http to other machines, where something else protects the way. */
  readonly insecure?: boolean;
  readonly retry?: RetryOptions;
  /** Default: the global one. */
  readonly fetch?: Fetch;
}

/** Timers hold 31 bits; a longer time is none. */
const longestMs = 0x7fff_ffff;

function finite(timeoutMs: number | undefined): number | undefined {
  return timeoutMs === undefined || timeoutMs > longestMs ? undefined : Math.ceil(timeoutMs);
}

export function createWebTransport(options: WebOptions): Line {
  const { protocol = "connect", insecure = false, retry = {} } = options;
  const given = options.fetch;
  const settings = {
    baseUrl: parseBaseUrl(options.baseUrl, insecure),
    useBinaryFormat: true,
    // Looked up at each call, as whoever replaces the global one expects.
    fetch: carefully((input, init) => (given ?? globalThis.fetch)(input, init)),
  };
  if (protocol !== "connect" && protocol !== "grpc-web") throw new TypeError("protocol must be connect or grpc-web");
  const wire: Transport = protocol === "connect" ? createConnectTransport(settings) : createGrpcWebTransport(settings);
  const retrying = createRetrying(wire, createPatience(retry, Math.random));
  let closed = false;

  function requireOpen(): void {
    if (closed) throw makeError({ message: "the client is closed", reason: "CLIENT_CLOSED", grpcCode: 1 });
  }

  return {
    transport: {
      async unary(method, signal, timeoutMs, header, input, values) {
        requireOpen();
        return await retrying.unary(method, signal, finite(timeoutMs), header, input, values);
      },
      async stream(method, signal, timeoutMs, header, input, values) {
        requireOpen();
        return await retrying.stream(method, signal, finite(timeoutMs), header, input, values);
      },
    },
    close() {
      closed = true;
    },
  };
}
