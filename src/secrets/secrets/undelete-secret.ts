// UndeleteSecret: brings deleted versions back.
import { create } from "@bufbuild/protobuf";
import {
  type SecretsService,
  UndeleteSecretResponseSchema,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { commitChange } from "./version-change.ts";
import { versionMessage } from "./version-message.ts";

export const undeleteSecret: UnaryHandler<typeof SecretsService.method.undeleteSecret> = async (request, call) =>
  commitChange(call, "undelete", request, (versions) =>
    create(UndeleteSecretResponseSchema, { versions: versions.map(versionMessage) }),
  );
