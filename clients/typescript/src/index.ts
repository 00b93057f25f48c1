// The public face of @gatehouse/client on Node.
export { createGatehouse, type GatehouseOptions } from "./create-gatehouse.ts";
export * from "./everywhere.ts";
export type { TlsOptions } from "./transport/channel-credentials.ts";
