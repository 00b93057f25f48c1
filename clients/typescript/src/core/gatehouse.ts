// A client over any transport: its services, its credentials, its end.
import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { type Credentials, toProvider } from "../credentials/provider.ts";
import { createCallLayer } from "./call-layer.ts";
import { createServices, type Services } from "./services.ts";

export interface CallerOptions {
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

/** A transport and the end of it. */
export interface Line {
  readonly transport: Transport;
  /** Running calls may finish; new ones fail with CLIENT_CLOSED. */
  close(): void;
}

const defaultDeadlineMs = 5_000;

/** Throws RangeError when a deadline makes no sense; `open` is not called then. */
export function gatehouseOver(open: () => Line, options: CallerOptions): Gatehouse {
  const { credentials, deadlineMs = defaultDeadlineMs } = options;
  if (!(deadlineMs > 0)) throw new RangeError("deadlineMs must be more than 0");
  const { transport, close } = open();
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
