// grpc.health.v1.Health/List: the health of every service now. The statuses bound how many there can be.
import { create } from "@bufbuild/protobuf";
import type { Health } from "@gatehouse/proto/health/v1/health_pb.js";
import {
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "@gatehouse/proto/health/v1/health_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import type { HealthStatuses } from "./statuses.ts";

export function createList(statuses: HealthStatuses): UnaryHandler<typeof Health.method.list> {
  return async () => {
    const answer = create(HealthListResponseSchema);
    for (const [service, health] of statuses.all()) {
      answer.statuses[service] = create(HealthCheckResponseSchema, { status: Status[health] });
    }
    return answer;
  };
}
