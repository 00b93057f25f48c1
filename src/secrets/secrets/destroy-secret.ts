// DestroySecret: erases sealed values and their wrapped keys for good; a backup is the only place where they still are.
import { create } from "@bufbuild/protobuf";
import {
  DestroySecretResponseSchema,
  type SecretsService,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { commitChange } from "./version-change.ts";
import { versionMessage } from "./version-message.ts";

export const destroySecret: UnaryHandler<typeof SecretsService.method.destroySecret> = async (request, call) =>
  commitChange(call, "destroy", request, (versions) =>
    create(DestroySecretResponseSchema, { versions: versions.map(versionMessage) }),
  );
