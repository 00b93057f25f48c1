// A real HTTP server in this process that speaks Connect and gRPC-Web, and whose answers a test writes down.
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import {
  create,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ErrorInfoSchema, RetryInfoSchema } from "@gatehouse/proto/google/rpc/error_details_pb.js";
import { Health } from "@gatehouse/proto/health/v1/health_pb.js";
import { onTestFinished } from "vitest";
import { services } from "../src/core/services.ts";

export interface SeenRequest {
  readonly method: string;
  readonly request: MessageShape<DescMessage>;
  readonly headers: Headers;
  readonly timeoutMs: number | undefined;
}

type Answer = (request: never, context: HandlerContext) => unknown;

export interface WebServer {
  readonly baseUrl: string;
  readonly seen: SeenRequest[];
  on<M extends DescMethod>(
    method: M,
    answer: (
      request: MessageShape<M["input"]>,
      context: HandlerContext,
    ) => MessageInitShape<M["output"]> | Promise<MessageInitShape<M["output"]>>,
  ): void;
  /** Raw requests, before anything reads them: true = answered. */
  raw:
    | ((path: string, headers: IncomingHttpHeaders) => { status: number; headers: Record<string, string> } | undefined)
    | undefined;
}

/** An error as the server's error table makes it. */
export function webRefusal(
  code: Code,
  reason: string,
  more: { headers?: Record<string, string>; retryAfterMs?: number } = {},
): ConnectError {
  const info = { reason, domain: "gatehouse", metadata: { code: "SEC-TEST-001", error_id: "e-1" } };
  const { retryAfterMs: ms } = more;
  const retry =
    ms === undefined
      ? []
      : [
          {
            desc: RetryInfoSchema,
            value: { retryDelay: { seconds: BigInt(Math.trunc(ms / 1000)), nanos: (ms % 1000) * 1e6 } },
          },
        ];
  return new ConnectError("refused", code, more.headers, [{ desc: ErrorInfoSchema, value: info }, ...retry]);
}

export async function startWebServer(): Promise<WebServer> {
  const answers = new Map<string, Answer>();
  const seen: SeenRequest[] = [];
  function serve(router: ConnectRouter): void {
    for (const service of [...Object.values(services), Health])
      for (const method of service.methods)
        router.rpc(
          method as never,
          (async (request: never, context: HandlerContext) => {
            seen.push({ method: method.name, request, headers: context.requestHeader, timeoutMs: context.timeoutMs() });
            const answer = answers.get(`${service.typeName}/${method.name}`);
            if (answer === undefined) throw new ConnectError("no script", Code.Unimplemented);
            return create(method.output, (await answer(request, context)) as never);
          }) as never,
        );
  }
  const handle = connectNodeAdapter({ routes: serve });
  const scripted: WebServer = {
    baseUrl: "",
    seen,
    on: (method, answer) => void answers.set(`${method.parent.typeName}/${method.name}`, answer as Answer),
    raw: undefined,
  };
  const server = createServer((request, response) => {
    const raw = scripted.raw?.(request.url ?? "", request.headers);
    if (raw === undefined) handle(request, response);
    else response.writeHead(raw.status, raw.headers).end("<html>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(scripted, { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
