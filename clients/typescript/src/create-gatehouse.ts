// The client on Node: over grpc-js.
import { type CallerOptions, type Gatehouse, gatehouseOver } from "./core/gatehouse.ts";
import { createGrpcTransport, type GrpcOptions } from "./transport/grpc.ts";

export interface GatehouseOptions extends GrpcOptions, CallerOptions {}

/** Connects at the first call. Throws TypeError or RangeError when an option makes no sense. */
export function createGatehouse(options: GatehouseOptions): Gatehouse {
  return gatehouseOver(() => createGrpcTransport(options), options);
}
