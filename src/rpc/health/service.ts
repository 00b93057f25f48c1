// The standard health service (grpc.health.v1), for balancers, probes and grpcurl.
import { Health as HealthService } from "@gatehouse/proto/health/v1/health_pb.js";
import { bindService, type ServiceBinding } from "../../kernel/handler.ts";
import { createCheck } from "./check.ts";
import { createList } from "./list.ts";
import { createHealthStatuses, type Health } from "./statuses.ts";
import { createWatch } from "./watch.ts";

interface HealthDeps {
  /** Makes the NOT_FOUND that the protocol wants for a Check of a service that was never set. */
  readonly unknownService: () => Error;
}

export interface HealthReporter {
  readonly binding: ServiceBinding;
  /** The empty name stands for the server as a whole; it is NOT_SERVING until set. */
  set(service: string, health: Health): void;
  all(): ReadonlyMap<string, Health>;
  /** First step of the drain: everything is NOT_SERVING for good, watchers are told and their streams end. */
  shutdown(): void;
}

export function createHealth({ unknownService }: HealthDeps): HealthReporter {
  const statuses = createHealthStatuses();
  const check = createCheck({ statuses, unknownService });
  return {
    binding: bindService(HealthService, { check, watch: createWatch(statuses), list: createList(statuses) }),
    set: statuses.set,
    all: statuses.all,
    shutdown: statuses.close,
  };
}
