// TokenService.RevokeSubject: ends whatever was handed out for a principal, at once and everywhere. It goes by the principal's
// generation, so what a replica hands out at the same moment, or from memory, is dead too; ending the sessions is for who lists them.
// What it was given through one client has no generation of its own in the database: the feed's event is numbered instead.
import { create } from "@bufbuild/protobuf";
import {
  RevokeSubjectResponseSchema,
  type TokenService,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { builtInClient } from "../../kernel/client-bounds.ts";
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import { type Call, callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId, parseId } from "../../kernel/ids.ts";
import type { Clients, Generations, Standings } from "../../kernel/ports.ts";
import { lastExpiry, type TokenSettings } from "../settings.ts";
import { endSessionsOf, lastEndingOf } from "../subject/store.ts";

export interface RevokeSubjectDeps {
  readonly generations: Generations;
  readonly standings: Standings;
  readonly clients: Clients;
  readonly settings: TokenSettings;
}

const endReason = "SUBJECT_REVOKED";

/** The bare UUID; the empty text stands for the caller. Whether the caller may was decided before, by the method's policy. */
function subjectOf(principalId: string, call: Call): string {
  const id = principalId === "" ? callerOf(call).id : parseId("principal", principalId);
  if (id === undefined) throw invalidField("principal_id", "must be the id of a principal");
  return id;
}

export function createRevokeSubject(deps: RevokeSubjectDeps): UnaryHandler<typeof TokenService.method.revokeSubject> {
  const { generations, standings, clients, settings } = deps;

  async function endEverything(tx: Transaction, principalId: string, now: Date): Promise<number> {
    await generations.raise(tx, principalId, now);
    return (await endSessionsOf(tx, { principalId, clientId: undefined, reason: endReason, now })).length;
  }

  /** Whether tokens may say that they came through it. Nothing else is announced, or a name for each call would fill the feed. */
  async function isClient(clientId: string, principalId: string, now: Date): Promise<boolean> {
    if (clientId === builtInClient || clientId === formatId("principal", principalId)) return true;
    return (await clients.find(clientId, now)) !== undefined;
  }

  /** Later than the one before, whatever the clocks say: what was issued between the two names the first. */
  async function announceEnding(tx: Transaction, key: string, now: Date): Promise<void> {
    const last = (await lastEndingOf(tx, key))?.getTime() ?? 0;
    const expiresAt = new Date(Math.max(lastExpiry(settings, now).getTime(), last + 1));
    tx.announce({ kind: "subject_client", key, expiresAt });
  }

  /** The client's sessions one by one, because other clients' tokens are of the same generation. */
  async function endOfClient(tx: Transaction, principalId: string, clientId: string, now: Date): Promise<number> {
    const ended = await endSessionsOf(tx, { principalId, clientId, reason: endReason, now });
    const expiresAt = lastExpiry(settings, now);
    for (const key of ended) tx.announce({ kind: "session", key, expiresAt });
    return ended.length;
  }

  return async (request, call) => {
    const { now } = call;
    const { clientId } = request;
    const principalId = subjectOf(request.principalId, call);
    call.audit.resources.push({ type: "principal", uid: formatId("principal", principalId) });
    if (clientId !== "") call.audit.details.client_id = clientId;
    if ((await standings.fresh(principalId)) === undefined) throw new GatehouseError("PRINCIPAL_NOT_FOUND");
    const known = clientId !== "" && (await isClient(clientId, principalId, now));
    return await call.commit(async (tx) => {
      const endedSessions = await (clientId === ""
        ? endEverything(tx, principalId, now)
        : endOfClient(tx, principalId, clientId, now));
      if (known) await announceEnding(tx, `${principalId}:${clientId}`, now);
      call.audit.details.ended_sessions = endedSessions;
      return create(RevokeSubjectResponseSchema, { endedSessions });
    });
  };
}
