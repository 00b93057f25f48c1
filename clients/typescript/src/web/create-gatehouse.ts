// The client in a browser: over `fetch`.
import { type CallerOptions, type Gatehouse, gatehouseOver } from "../core/gatehouse.ts";
import { createWebTransport, type WebOptions } from "./transport.ts";

export interface GatehouseOptions extends WebOptions, CallerOptions {}

/** Throws TypeError or RangeError when an option makes no sense. */
export function createGatehouse(options: GatehouseOptions): Gatehouse {
  return gatehouseOver(() => createWebTransport(options), options);
}
