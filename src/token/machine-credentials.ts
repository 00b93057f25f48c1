// Who a machine is that asks for a token, by what it proves itself with. Each way answers the same: an active service account, and
// the bounds of what may be issued for the credential.
import type { IssueTokenRequest } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { GatehouseError, invalidField } from "../kernel/errors.ts";
import type { Call } from "../kernel/handler.ts";
import { formatId } from "../kernel/ids.ts";
import type { ApiKeys, Client, Clients, ServiceCredential, Standings, WorkloadBindings } from "../kernel/ports.ts";
import type { Standing } from "../kernel/principal.ts";

export interface ProvenMachine {
  readonly standing: Standing;
  /** `client_id` of its tokens. */
  readonly clientId: string;
  /** Undefined = it proved itself by a credential of the account, and not as a client. */
  readonly client: Client | undefined;
  /** UUID of the key or the binding, whose end is that of its tokens. */
  readonly credentialId: string | undefined;
  readonly scopes: readonly string[];
  readonly endsBy: Date | undefined;
  /** `amr` of its tokens. */
  readonly method: "client_secret" | "api_key" | "mtls" | "kubernetes";
}

export interface MachineCredentials {
  /** Errors: CREDENTIAL_INVALID, CLIENT_INVALID, CLIENT_NOT_ALLOWED, WORKLOAD_ISSUER_UNAVAILABLE, DATABASE_UNAVAILABLE. */
  prove(credential: IssueTokenRequest["credential"], call: Call): Promise<ProvenMachine>;
}

export interface MachineCredentialsDeps {
  readonly clients: Clients;
  readonly apiKeys: ApiKeys;
  readonly workloads: WorkloadBindings;
  readonly standings: Standings;
}

type Method = Exclude<ProvenMachine["method"], "client_secret">;

/** Its tokens name the account as their client: its id never is that of a client, which holds no underscore. */
function ofAccount(credential: ServiceCredential, credentialId: string, method: Method): ProvenMachine {
  const { standing, scopes, expiresAt, principalId } = credential;
  const clientId = formatId("principal", principalId);
  return { standing, clientId, client: undefined, credentialId, scopes, endsBy: expiresAt, method };
}

export function createMachineCredentials(deps: MachineCredentialsDeps): MachineCredentials {
  const { clients, apiKeys, workloads, standings } = deps;

  async function asClient(clientId: string, clientSecret: string, now: Date): Promise<ProvenMachine> {
    const client = await clients.authenticate(clientId, clientSecret, now);
    const { principalId, scopes } = client;
    if (principalId === undefined)
      throw new GatehouseError("CLIENT_NOT_ALLOWED", { auditReason: "CLIENT_WITHOUT_ACCOUNT" });
    const standing = await standings.of(principalId);
    if (standing?.active !== true || standing.kind !== "service_account")
      throw new GatehouseError("CLIENT_NOT_ALLOWED", { auditReason: "PRINCIPAL_DISABLED" });
    return { standing, clientId, client, credentialId: undefined, scopes, endsBy: undefined, method: "client_secret" };
  }

  async function byCertificate({ peer: { certificate }, now }: Call): Promise<ProvenMachine> {
    const credential = certificate && (await workloads.ofCertificate(certificate, now));
    if (credential !== undefined) return ofAccount(credential, credential.bindingId, "mtls");
    const auditReason = certificate === undefined ? "CERTIFICATE_MISSING" : "CERTIFICATE_UNBOUND";
    throw new GatehouseError("CREDENTIAL_INVALID", { auditReason });
  }

  return {
    async prove(credential, call) {
      switch (credential.case) {
        case "client":
          return await asClient(credential.value.clientId, credential.value.clientSecret, call.now);
        case "apiKey": {
          const key = await apiKeys.verify(credential.value, call.now);
          return ofAccount(key, key.keyId, "api_key");
        }
        case "certificate":
          return await byCertificate(call);
        case "kubernetesToken": {
          const workload = await workloads.ofKubernetesToken(credential.value, call.now);
          return ofAccount(workload, workload.bindingId, "kubernetes");
        }
        default:
          throw invalidField("credential", "must be one of those of the contract");
      }
    },
  };
}
