// grpc.health.v1.Health/Watch: the health of one service, now and at every change. A service that is not known yet is
// SERVICE_UNKNOWN and may become known.
import { create } from "@bufbuild/protobuf";
import type { Health } from "@gatehouse/proto/health/v1/health_pb.js";
import {
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "@gatehouse/proto/health/v1/health_pb.js";
import type { ServerStreamHandler } from "../../kernel/handler.ts";
import type { HealthStatuses } from "./statuses.ts";

export function createWatch(statuses: HealthStatuses): ServerStreamHandler<typeof Health.method.watch> {
  return async function* watch(request, call) {
    let told: Status | undefined;
    while (!call.signal.aborted) {
      const status = Status[statuses.of(request.service) ?? "SERVICE_UNKNOWN"];
      if (status !== told) {
        told = status;
        yield create(HealthCheckResponseSchema, { status });
        // A change may have come while the answer was on its way; only the newest state matters.
        continue;
      }
      // An open watch must not hold up the drain; the client retries and finds another replica.
      if (statuses.closed()) return;
      await statuses.changed(call.signal);
    }
  };
}
