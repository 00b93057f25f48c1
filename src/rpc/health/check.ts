// grpc.health.v1.Health/Check: the health of one service now.
import { create } from "@bufbuild/protobuf";
import type { Health } from "@gatehouse/proto/health/v1/health_pb.js";
import {
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "@gatehouse/proto/health/v1/health_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import type { HealthStatuses } from "./statuses.ts";

interface CheckDeps {
  readonly statuses: HealthStatuses;
  /** The refusal for a service that is not known; the protocol wants NOT_FOUND. */
  readonly unknownService: () => Error;
}

export function createCheck({ statuses, unknownService }: CheckDeps): UnaryHandler<typeof Health.method.check> {
  return async (request) => {
    const health = statuses.of(request.service);
    if (health === undefined) throw unknownService();
    return create(HealthCheckResponseSchema, { status: Status[health] });
  };
}
