// A transport of connect over @grpc/grpc-js: retries, pushback, keepalive and load balancing are grpc's own.
import { type ChannelOptions, Client } from "@grpc/grpc-js";
import type { Line } from "../core/gatehouse.ts";
import type { RetryOptions } from "../core/retry-options.ts";
import { services } from "../core/services.ts";
import { makeError } from "../errors/kinds.ts";
import { type Address, parseAddress } from "./address.ts";
import { channelCredentials, type SecurityOptions } from "./channel-credentials.ts";
import { serviceConfig } from "./service-config.ts";
import { openStream } from "./stream.ts";
import { callUnary } from "./unary.ts";
import { userAgent } from "./user-agent.ts";

export interface GrpcOptions extends SecurityOptions {
  /** `host:port`, `[ipv6]:port`, `dns:host:port` (spreads calls over every address of the name) or `unix:/path`. */
  readonly address: string;
  readonly retry?: RetryOptions;
}

function channelOptions(address: Address, retry: RetryOptions): ChannelOptions {
  return {
    "grpc.service_config": JSON.stringify(serviceConfig(Object.values(services), retry, address.balanced)),
    "grpc.service_config_disable_resolution": 1,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.primary_user_agent": userAgent,
    // A proxy named by the environment must not see the plaintext that is meant to stay on this machine.
    ...(address.local ? { "grpc.enable_http_proxy": 0 } : {}),
  };
}

export function createGrpcTransport(options: GrpcOptions): Line {
  const address = parseAddress(options.address);
  const credentials = channelCredentials(address, options);
  const client = new Client(address.target, credentials, channelOptions(address, options.retry ?? {}));
  let closed = false;

  function requireOpen(): void {
    if (closed) throw makeError({ message: "the client is closed", reason: "CLIENT_CLOSED", grpcCode: 1 });
  }

  return {
    transport: {
      async unary(method, signal, timeoutMs, header, input) {
        requireOpen();
        return await callUnary(client, { method, signal, timeoutMs, header, input });
      },
      async stream(method, signal, timeoutMs, header, input) {
        requireOpen();
        return await openStream(client, { method, signal, timeoutMs, header, input });
      },
    },
    close() {
      closed = true;
      client.close();
    },
  };
}
