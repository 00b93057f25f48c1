// The public face of @gatehouse/client in browsers, and wherever there is `fetch`.
export * from "./everywhere.ts";
export { createGatehouse, type GatehouseOptions } from "./web/create-gatehouse.ts";
