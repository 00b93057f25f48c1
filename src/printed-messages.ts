// How a message of ours is printed, should one ever reach a log line. Loaded with the server, whose contracts these are.
import { createRegistry, type Message } from "@bufbuild/protobuf";
import { file_gatehouse_audit_v1_audit_service } from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { file_gatehouse_auth_v1_auth_service } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { file_gatehouse_auth_v1_directory_service } from "@gatehouse/proto/gatehouse/auth/v1/directory_service_pb.js";
import { file_gatehouse_auth_v1_grant_service } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { file_gatehouse_auth_v1_session_service } from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import { file_gatehouse_secrets_v1_secrets_service } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { file_gatehouse_token_v1_token_service } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { file_gatehouse_token_v1_token_set } from "@gatehouse/proto/gatehouse/token/v1/token_set_pb.js";
import { createRedactor, type Redactor } from "./rpc/redact.ts";

/** A contract that is missing here is masked as a whole. */
export const contractFiles = [
  file_gatehouse_audit_v1_audit_service,
  file_gatehouse_auth_v1_auth_service,
  file_gatehouse_auth_v1_directory_service,
  file_gatehouse_auth_v1_grant_service,
  file_gatehouse_auth_v1_session_service,
  file_gatehouse_secrets_v1_secrets_service,
  file_gatehouse_token_v1_token_service,
  file_gatehouse_token_v1_token_set,
];

let redactor: Redactor | undefined;

export function printMessage(message: Message): unknown {
  redactor ??= createRedactor({ types: createRegistry(...contractFiles) });
  return redactor.printable(message);
}
