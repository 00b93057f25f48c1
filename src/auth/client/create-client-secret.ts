// ClientService.CreateClientSecret: makes a secret and shows it, this once. Two work side by side while a client changes over.
import { create } from "@bufbuild/protobuf";
import { durationMs, timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type ClientService,
  type CreateClientSecretRequest,
  CreateClientSecretResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import { type Call, callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId, uuidv7 } from "../../kernel/ids.ts";
import type { Macs } from "../../kernel/sealing.ts";
import { endSecretsAt, insertSecret, liveSecrets, type StoredSecret } from "../client-secret/store.ts";
import type { ClientBounds } from "../domain/client-rules.ts";
import { makeCredentialText, shownPrefix } from "../domain/credential-text.ts";
import { clientSecretMac } from "../known-clients/known-clients.ts";
import { announceClient, requireClient, requireMayActAs } from "./change-client.ts";
import { secretView } from "./client-view.ts";

const mostSecrets = 2;
/** The last millisecond that a protobuf timestamp can say. */
const latestExpiry = Date.UTC(10_000, 0) - 1;

function expiryOf({ expireTime }: CreateClientSecretRequest, now: Date): Date | undefined {
  if (expireTime === undefined) return undefined;
  const expiry = timestampDate(expireTime);
  if (!(expiry.getTime() <= latestExpiry)) throw invalidField("expire_time", "must lie before the year 10000");
  if (!(expiry.getTime() > now.getTime())) throw invalidField("expire_time", "must lie ahead");
  return expiry;
}

/** When those that work already end; undefined = as before. */
function overlapEnd({ overlap }: CreateClientSecretRequest, now: Date): Date | undefined {
  return overlap === undefined ? undefined : new Date(now.getTime() + durationMs(overlap));
}

/** Throws CLIENT_NOT_FOUND, CLIENT_PUBLIC, CREDENTIAL_EXCEEDS_OWN, CLIENT_SECRET_LIMIT_REACHED. */
async function requireRoom(tx: Transaction, clientId: string, end: Date | undefined, call: Call) {
  const client = await requireClient(tx, clientId);
  if (!client.confidential) throw new GatehouseError("CLIENT_PUBLIC");
  await requireMayActAs(tx, client, call);
  if (end !== undefined) await endSecretsAt(tx, clientId, end);
  const live = await liveSecrets(tx, clientId, call.now);
  if (live.length >= mostSecrets) throw new GatehouseError("CLIENT_SECRET_LIMIT_REACHED");
  return client;
}

export function createCreateClientSecret({
  macs,
  bounds,
}: {
  readonly macs: Macs;
  readonly bounds: ClientBounds;
}): UnaryHandler<typeof ClientService.method.createClientSecret> {
  return async (request, call) => {
    const { clientId } = request;
    const { now } = call;
    const [text, id, expiresAt] = [makeCredentialText("client_secret"), uuidv7(now), expiryOf(request, now)];
    const hash = clientSecretMac(macs, clientId, text);
    const secret: StoredSecret = {
      id,
      hint: shownPrefix(text),
      hash,
      createdAt: now,
      expiresAt,
      lastUsedAt: undefined,
    };
    call.audit.resources.push(
      { type: "client", uid: clientId },
      { type: "client_secret", uid: formatId("clientSecret", id) },
    );
    const end = overlapEnd(request, now);
    Object.assign(call.audit.details, {
      expire_time: expiresAt?.toISOString() ?? null,
      others_expire_time: end?.toISOString() ?? null,
    });
    return call.commit(async (tx) => {
      const client = await requireRoom(tx, clientId, end, call);
      await insertSecret(tx, clientId, secret, callerOf(call).id);
      announceClient(tx, client, bounds, now);
      return create(CreateClientSecretResponseSchema, { secret: text, clientSecret: secretView(secret) });
    });
  };
}
