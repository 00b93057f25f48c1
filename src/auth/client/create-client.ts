// ClientService.CreateClient: makes an application known.
import { create } from "@bufbuild/protobuf";
import {
  type ClientService,
  ClientSettingsSchema,
  CreateClientResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { builtInClient } from "../../kernel/client-bounds.ts";
import { isUniqueViolation, type Transaction } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import type { ClientBounds, ClientContent } from "../domain/client-rules.ts";
import { announceClient, recordedSettings, requireMayActAs, requireSensible } from "./change-client.ts";
import { clientView } from "./client-view.ts";
import { readSettings } from "./settings.ts";
import { clientOnce, countClients, insertClient, lockClientCount } from "./store.ts";

/** All of them are in the memory of every replica. */
const mostClients = 1_000;

interface NewClient {
  readonly id: string;
  readonly confidential: boolean;
  readonly content: ClientContent;
  readonly now: Date;
}

async function make(tx: Transaction, client: NewClient, bounds: ClientBounds, call: Call): Promise<void> {
  await requireMayActAs(tx, client.content, call);
  await lockClientCount(tx);
  if ((await countClients(tx)) >= mostClients) throw new GatehouseError("CLIENT_LIMIT_REACHED");
  await insertClient(tx, client);
  announceClient(tx, { id: client.id, generation: 1 }, bounds, call.now);
}

export function createCreateClient({
  bounds,
}: {
  readonly bounds: ClientBounds;
}): UnaryHandler<typeof ClientService.method.createClient> {
  return async (request, call) => {
    const { clientId: id, confidential } = request;
    const { now } = call;
    call.audit.resources.push({ type: "client", uid: id });
    if (id === builtInClient) throw invalidField("client_id", "is that of the built-in client");
    const content = readSettings(request.settings ?? create(ClientSettingsSchema));
    requireSensible(content, confidential, bounds);
    Object.assign(call.audit.details, { confidential, settings: recordedSettings(content) });
    const client = clientView({ id, confidential, ...content, createdAt: now, updatedAt: now });
    try {
      return await call.commit(async (tx) => {
        await make(tx, { id, confidential, content, now }, bounds, call);
        return create(CreateClientResponseSchema, { client });
      });
    } catch (error) {
      throw isUniqueViolation(error, clientOnce) ? new GatehouseError("CLIENT_EXISTS", { cause: error }) : error;
    }
  };
}
