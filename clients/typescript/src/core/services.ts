// The services of Gatehouse as typed clients over any transport.
import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
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

export const services = {
  auth: AuthService,
  sessions: SessionService,
  directory: DirectoryService,
  grants: GrantService,
  serviceAccounts: ServiceAccountService,
  clients: ClientService,
  tokens: TokenService,
  signingKeys: SigningKeyService,
  secrets: SecretsService,
  crypto: CryptoService,
  audit: AuditService,
} as const satisfies Record<string, DescService>;

export type Services = { readonly [K in keyof typeof services]: Client<(typeof services)[K]> };

export function createServices(transport: Transport): Services {
  return {
    auth: createClient(services.auth, transport),
    sessions: createClient(services.sessions, transport),
    directory: createClient(services.directory, transport),
    grants: createClient(services.grants, transport),
    serviceAccounts: createClient(services.serviceAccounts, transport),
    clients: createClient(services.clients, transport),
    tokens: createClient(services.tokens, transport),
    signingKeys: createClient(services.signingKeys, transport),
    secrets: createClient(services.secrets, transport),
    crypto: createClient(services.crypto, transport),
    audit: createClient(services.audit, transport),
  };
}
