// Which web pages may call (the Fetch standard's CORS protocol). A page of no listed origin gets no CORS header at all, and
// its browser keeps the answer from it.
import { headerValues, singleHeader, type WebRequest, type WebResponse } from "./message.ts";

export interface CorsSettings {
  /** Exact origins, or `*` for all; empty = no page of another origin. */
  readonly origins: ReadonlySet<string>;
  /** Whether browsers may send credentials of their own. Never together with `*`. */
  readonly credentials: boolean;
}

export interface Cors {
  /** On every answer, before it is made. `open`: the path is for every page, without credentials. */
  mark(request: WebRequest, response: WebResponse, open: boolean): void;
  /** True when this is a question of the browser's, whose answer is 204 with what has been set. */
  preflight(request: WebRequest, response: WebResponse, methods: string, open: boolean): boolean;
}

/** What the clients of the three protocols send, and what a call may carry beside. */
const allowedHeaders = [
  "authorization",
  "connect-accept-encoding",
  "connect-content-encoding",
  "connect-protocol-version",
  "connect-timeout-ms",
  "content-encoding",
  "content-type",
  "dpop",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-timeout",
  "if-none-match",
  "traceparent",
  "tracestate",
  "x-grpc-web",
  "x-request-id",
  "x-user-agent",
].join(", ");

const exposedHeaders = [
  "dpop-nonce",
  "etag",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
  "ratelimit",
  "ratelimit-policy",
  "retry-after",
  "www-authenticate",
  "x-ratelimit-limit",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
].join(", ");

/** Chromium keeps a preflight no longer than this. */
const maxAgeSeconds = "7200";

/** Reads `settings` at every request, since an operator may change them meanwhile. */
export function createCors(settings: CorsSettings): Cors {
  /** Answers whether the page may see the answer. */
  function allow(request: WebRequest, response: WebResponse, open: boolean): boolean {
    const { origins, credentials } = settings;
    const origin = singleHeader(request, "origin");
    if (open || origins.has("*")) {
      response.setHeader("access-control-allow-origin", "*");
      return true;
    }
    response.setHeader("vary", "Origin");
    if (origin === undefined || !origins.has(origin)) return false;
    response.setHeader("access-control-allow-origin", origin);
    if (credentials) response.setHeader("access-control-allow-credentials", "true");
    return true;
  }

  return {
    mark(request, response, open) {
      if (!allow(request, response, open) || headerValues(request, "origin").length === 0) return;
      response.setHeader("access-control-expose-headers", exposedHeaders);
    },
    preflight(request, response, methods, open) {
      const asked = singleHeader(request, "access-control-request-method");
      if (request.method !== "OPTIONS" || asked === undefined) return false;
      if (allow(request, response, open)) {
        response.setHeader("access-control-allow-methods", methods);
        response.setHeader("access-control-allow-headers", allowedHeaders);
        response.setHeader("access-control-max-age", maxAgeSeconds);
      }
      return true;
    },
  };
}
