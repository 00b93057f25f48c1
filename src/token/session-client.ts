// The client that a session was opened through must be the one that renews it (RFC 6749 section 6, RFC 9700 section 4.14.2).
import { builtInClient } from "../kernel/client-bounds.ts";
import { GatehouseError } from "../kernel/errors.ts";
import type { Client, Clients } from "../kernel/ports.ts";
import type { SessionFacts } from "./token/store.ts";

export interface ShownClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Undefined = the built-in one, which has neither secret nor bounds. Throws CLIENT_INVALID, CLIENT_NOT_ALLOWED. */
export async function authenticateClient(
  clients: Clients,
  { clientId, clientSecret }: ShownClient,
  now: Date,
): Promise<Client | undefined> {
  if ((clientId === "" || clientId === builtInClient) && clientSecret === "") return undefined;
  const client = await clients.authenticate(clientId, clientSecret, now);
  if (!client.logins) throw new GatehouseError("CLIENT_NOT_ALLOWED");
  return client;
}

/** Why a session is not the client's to renew; undefined = it is. The token that names it is then not used up. */
export function clientFault(
  client: Client | undefined,
  { clientId, clientGeneration }: Pick<SessionFacts, "clientId" | "clientGeneration">,
): "CLIENT_MISMATCH" | "CLIENT_DISABLED" | undefined {
  if ((client?.id ?? builtInClient) !== clientId) return "CLIENT_MISMATCH";
  return client?.generation === clientGeneration ? undefined : "CLIENT_DISABLED";
}
