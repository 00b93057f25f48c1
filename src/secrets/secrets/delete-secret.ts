// DeleteSecret: takes versions out of reading, until UndeleteSecret brings them back.
import { create } from "@bufbuild/protobuf";
import {
  DeleteSecretResponseSchema,
  type SecretsService,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { commitChange } from "./version-change.ts";
import { versionMessage } from "./version-message.ts";

export const deleteSecret: UnaryHandler<typeof SecretsService.method.deleteSecret> = async (request, call) =>
  commitChange(call, "delete", request, (versions) =>
    create(DeleteSecretResponseSchema, { versions: versions.map(versionMessage) }),
  );
