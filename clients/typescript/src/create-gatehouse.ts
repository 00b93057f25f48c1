// One call that wires everything: channel, credentials, services.
import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createCallLayer } from "./core/call-layer.ts";
import { createServices, type Services } from "./core/services.ts";
import { type Credentials, toProvider } from "./credentials/provider.ts";
import { createGrpcTransport, type GrpcOptions } from "./transport/grpc.ts";

export interface GatehouseOptions extends GrpcOptions {
  /** Where access tokens come from; without, only methods that anyone may call succeed. */
  readonly credentials?: Credentials;
  /** Of every call that does not bring its own `timeoutMs`; default 5,000. Infinity = none. */
  readonly deadlineMs?: number;
}

export interface Gatehouse extends Services, AsyncDisposable {
  /** A client of any other service on the same connection, such as health. */
  client<S extends DescService>(service: S): Client<S>;
  /** Running calls may finish; new ones fail with CLIENT_CLOSED. */
  close(): void;
}

const defaultDeadlineMs = 5_000;

/** Connects at the first call. Throws TypeError or RangeError when an option makes no sense. */
export function createGatehouse(options: GatehouseOptions): Gatehouse {
  const { credentials, deadlineMs = defaultDeadlineMs } = options;
  if (!(deadlineMs > 0)) throw new RangeError("deadlineMs must be more than 0");
  const { transport, close } = createGrpcTransport(options);
  const provider = toProvider(credentials, () =>
    createServices(createCallLayer({ transport, provider: undefined, deadlineMs })),
  );
  const calls = createCallLayer({ transport, provider, deadlineMs });
  return {
    ...createServices(calls),
    client: (service) => createClient(service, calls),
    close,
    [Symbol.asyncDispose]: async () => close(),
  };
}
