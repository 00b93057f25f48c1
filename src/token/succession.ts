// The session that takes the place of another when its person authenticates anew: everything that was agreed for the former one
// holds for it, and nothing that was handed out for the former one works for it.
import { scopesLeft } from "../kernel/client-bounds.ts";
import type { Reader } from "../kernel/database.ts";
import { GatehouseError } from "../kernel/errors.ts";
import type { Client, Clients } from "../kernel/ports.ts";
import type { Confirmation } from "../kernel/principal.ts";
import type { SubjectKeys } from "../kernel/sealing.ts";
import type { NewSession, PreparedSession, Sessions, SuccessorSession } from "../kernel/sessions.ts";
import { openDevice, sealDevice } from "./device.ts";
import { clientFault } from "./session-client.ts";
import { findDevice } from "./succession/store.ts";
import { findSession, type SessionFacts, type StoredSession } from "./token/store.ts";

/** Signs and seals; what the tokens are bound to has been shown. */
export type PrepareBound = (
  session: Omit<NewSession, "possession">,
  confirmation: Confirmation | undefined,
  seal: (sessionId: string, device: Uint8Array) => Buffer | Promise<Buffer>,
) => Promise<PreparedSession>;

export interface SuccessionDeps {
  readonly reader: Reader;
  readonly clients: Clients;
  readonly subjectKeys: SubjectKeys;
  readonly prepareBound: PrepareBound;
}

function isLive(session: StoredSession, now: Date): boolean {
  const { ended, principalStands, clientStands, idleExpiresAt, absoluteExpiresAt } = session;
  return !ended && principalStands && clientStands && idleExpiresAt > now && absoluteExpiresAt > now;
}

export function createPrepareSuccessor(deps: SuccessionDeps): Sessions["prepareSuccessor"] {
  const { reader, clients, subjectKeys, prepareBound } = deps;

  async function liveFacts({ former, now }: SuccessorSession): Promise<SessionFacts | undefined> {
    const session = await findSession(reader, former.sessionId);
    if (session === undefined || !isLive(session, now)) return undefined;
    return session.facts.principalId === former.id ? session.facts : undefined;
  }

  /** Undefined = the built-in one. Throws CLIENT_NOT_ALLOWED, as a refresh does. */
  async function clientOf({ clientId, clientGeneration }: SessionFacts, now: Date): Promise<Client | undefined> {
    const client = clientGeneration === undefined ? undefined : await clients.find(clientId, now);
    if (client?.logins === false) throw new GatehouseError("CLIENT_NOT_ALLOWED");
    return client;
  }

  async function deviceNameOf({ principalId, id }: SessionFacts): Promise<string> {
    const device = await findDevice(reader, id);
    return device === undefined ? "" : (await openDevice(subjectKeys, principalId, { id, device })).name;
  }

  return async (wanted) => {
    const { former, standing, authenticationMethods, authenticationContext, peer, now } = wanted;
    const facts = await liveFacts(wanted);
    if (facts === undefined) return undefined;
    const client = await clientOf(facts, now);
    if (clientFault(client, facts) !== undefined) return undefined;
    const { clientId, audience, scopes: given } = facts;
    const scopes = client === undefined ? given : scopesLeft(client, given);
    const deviceName = await deviceNameOf(facts);
    const session = { standing, clientId, client, audience, scopes, authenticationMethods, authenticationContext };
    return await prepareBound({ ...session, deviceName, peer, now }, former.confirmation, (id, device) =>
      sealDevice(subjectKeys, former.id, id, device),
    );
  };
}
