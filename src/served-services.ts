// Every service that Gatehouse serves, as the contracts describe them.
import type { DescService } from "@bufbuild/protobuf";
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
import { ServerReflection as Reflection } from "@gatehouse/proto/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ReflectionAlpha } from "@gatehouse/proto/grpc/reflection/v1alpha/reflection_pb.js";
import { Health } from "@gatehouse/proto/health/v1/health_pb.js";

export const servedServices: readonly DescService[] = [
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
  Health,
  Reflection,
  ReflectionAlpha,
];
