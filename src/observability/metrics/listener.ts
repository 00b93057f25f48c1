// `/metrics`, on an address of its own: no login stands before it, so it must not share one with what the world may reach.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { StartRefused } from "../../kernel/start-refused.ts";
import type { Ledger } from "./ledger.ts";

export interface MetricsListenerDeps {
  readonly ledger: Ledger;
  readonly host: string;
  readonly port: number;
  /** Whoever does not read its answer for this long, or asks nothing, gives its place to another. */
  readonly quietMs?: number;
}

export interface MetricsListener {
  /** `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

const mostConnections = 16;
const defaultQuietMs = 10_000;

function plain(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...headers }).end(text);
}

function createAnswers(ledger: Ledger): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  let exposition: Promise<{ readonly contentType: string; text(): Promise<string> }> | undefined;
  return async (request, response) => {
    if (request.url?.split("?")[0] !== "/metrics") return plain(response, 404, "not found\n");
    if (request.method !== "GET" && request.method !== "HEAD")
      return plain(response, 405, "method not allowed\n", { allow: "GET, HEAD" });
    exposition ??= import("./exposition.ts").then(({ createExposition }) => createExposition(ledger));
    const { contentType, text } = await exposition;
    plain(response, 200, await text(), { "content-type": contentType, "cache-control": "no-store" });
  };
}

function bounded(server: Server, quietMs: number): Server {
  server.maxConnections = mostConnections;
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  server.keepAliveTimeout = 65_000;
  server.timeout = quietMs;
  server.maxHeadersCount = 50;
  return server;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new StartRefused(
          `cannot listen on ${host}:${port} for metrics: it is in use or not an address of this machine`,
          {
            cause,
          },
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
}

/** Throws StartRefused when the address cannot be had. */
export async function openMetricsListener(deps: MetricsListenerDeps): Promise<MetricsListener> {
  const { ledger, host, port, quietMs = defaultQuietMs } = deps;
  const answer = createAnswers(ledger);
  const server = bounded(
    createServer({ maxHeaderSize: 8_192 }, (request, response) => {
      // Nobody asks for a body, so none is read.
      answer(request, response).catch(() => response.destroy());
    }),
    quietMs,
  );
  await listen(server, host, port);
  const bound = (server.address() as AddressInfo).port;
  return {
    address: `${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
