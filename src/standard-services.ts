// Health and reflection beside the services of the slices.
import { readFile } from "node:fs/promises";
import type { Config } from "./config/schema.ts";
import { GatehouseError } from "./kernel/errors.ts";
import type { ServiceBinding } from "./kernel/handler.ts";
import { createHealth } from "./rpc/health/service.ts";
import { createReflection } from "./rpc/reflection/service.ts";

const descriptors = new URL("../gen/descriptors.binpb", import.meta.url);

export function addStandardServices(slices: readonly ServiceBinding[], { reflection }: Pick<Config, "reflection">) {
  const health = createHealth({ unknownService: () => new GatehouseError("SERVICE_UNKNOWN") });
  const bindings: ServiceBinding[] = [...slices, health.binding];
  const services = () => bindings.map(({ service }) => service.typeName);
  if (reflection !== "off") {
    bindings.push(...createReflection({ services, readDescriptors: () => readFile(descriptors) }));
  }
  return { health, bindings };
}
