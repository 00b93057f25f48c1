// Every service that Gatehouse serves, bound to handlers that answer an empty message unless the test scripts one.
import { create, type DescMethod, type DescService, isMessage } from "@bufbuild/protobuf";
import { AuditService } from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { ClientService } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { DirectoryService } from "@gatehouse/proto/gatehouse/auth/v1/directory_service_pb.js";
import { GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { ServiceAccountService } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { SessionService } from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import { CryptoService } from "@gatehouse/proto/gatehouse/secrets/v1/crypto_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { SigningKeyService } from "@gatehouse/proto/gatehouse/token/v1/signing_key_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { type Call, EncodedAnswer, type ServiceBinding } from "../../src/kernel/handler.ts";

export const ownServices: readonly DescService[] = [
  AuthService,
  SessionService,
  DirectoryService,
  GrantService,
  ServiceAccountService,
  ClientService,
  TokenService,
  SigningKeyService,
  SecretsService,
  CryptoService,
  AuditService,
];

export type ScriptedHandler = (request: never, call: Call) => unknown;
/** Answers, as messages or what makes one, by `Service/Method`, such as `AuthService/WhoAmI`. */
export type Script = Readonly<Record<string, ScriptedHandler>>;

function handlerOf(method: DescMethod, script: Script): unknown {
  const answer = answerOf(method, script);
  if (method.methodKind === "unary") return answer;
  return async function* (request: never, call: Call) {
    yield await answer(request, call);
  };
}

function answerOf(method: DescMethod, script: Script) {
  const scripted = script[`${method.parent.name}/${method.name}`];
  if (scripted === undefined) return async () => create(method.output);
  return async (request: never, call: Call) => {
    const answer = await scripted(request, call);
    return isMessage(answer) || answer instanceof EncodedAnswer
      ? answer
      : create(method.output, answer as Record<string, unknown>);
  };
}

export function scriptedServices(script: Script = {}): ServiceBinding[] {
  return ownServices.map((service) => ({
    service,
    handlers: Object.fromEntries(service.methods.map((method) => [method.localName, handlerOf(method, script)])),
  }));
}
