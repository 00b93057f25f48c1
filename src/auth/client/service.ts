// ClientService as a whole.
import { ClientService } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { bindService, type ServiceBinding } from "../../kernel/handler.ts";
import type { Macs, PageTokens } from "../../kernel/sealing.ts";
import type { ClientBounds } from "../domain/client-rules.ts";
import { createCreateClient } from "./create-client.ts";
import { createCreateClientSecret } from "./create-client-secret.ts";
import { createDeleteClient } from "./delete-client.ts";
import { createGetClient } from "./get-client.ts";
import { createListClientSecrets } from "./list-client-secrets.ts";
import { createListClients } from "./list-clients.ts";
import { createRevokeClientSecret } from "./revoke-client-secret.ts";
import { createUpdateClient } from "./update-client.ts";

export interface ClientServiceDeps {
  readonly reader: Reader;
  readonly macs: Macs;
  readonly pageTokens: PageTokens;
  readonly bounds: ClientBounds;
}

export function bindClientService(deps: ClientServiceDeps): ServiceBinding {
  return bindService(ClientService, {
    createClient: createCreateClient(deps),
    getClient: createGetClient(deps),
    listClients: createListClients(deps),
    updateClient: createUpdateClient(deps),
    deleteClient: createDeleteClient(deps),
    createClientSecret: createCreateClientSecret(deps),
    listClientSecrets: createListClientSecrets(deps),
    revokeClientSecret: createRevokeClientSecret(deps),
  });
}
