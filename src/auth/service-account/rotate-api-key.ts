// ServiceAccountService.RotateApiKey: a key's successor, beside which the key works on for a while.
import { create } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import {
  type RotateApiKeyRequest,
  RotateApiKeyResponseSchema,
  type ServiceAccountService,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import type { Macs } from "../../kernel/sealing.ts";
import { type ApiKeyRow, lockApiKey, replaceApiKey } from "../api-key/store.ts";
import { announceEndAt, lockAccount, namedAccount, requireHeldOf } from "./account-change.ts";
import { keyOf } from "./named-key.ts";
import { expiryOf, makeKey, storeKey } from "./new-key.ts";
import { keyView } from "./views.ts";

const defaultOverlapMs = 86_400_000;

/** A key that is in force and has no successor: two rotations at once would leave one key that nobody waits for. */
async function takeKey(tx: Transaction, id: string, owner: string, now: Date): Promise<ApiKeyRow> {
  await lockAccount(tx, owner);
  const key = await lockApiKey(tx, id, owner);
  if (key === undefined) throw new GatehouseError("API_KEY_NOT_FOUND");
  const expired = key.expires_at !== null && key.expires_at <= now;
  if (key.revoked_at !== null || key.successor_id !== null || expired) throw new GatehouseError("API_KEY_ENDED");
  return key;
}

/** Unless the request says otherwise, the successor lives as long as the key was meant to. */
function successorExpiry(old: ApiKeyRow, { expireTime }: RotateApiKeyRequest, now: Date): Date | null {
  const asked = expiryOf(expireTime, now);
  if (asked !== undefined || old.expires_at === null) return asked ?? null;
  return new Date(now.getTime() + old.expires_at.getTime() - old.created_at.getTime());
}

function overlapEnd(old: ApiKeyRow, { overlap }: RotateApiKeyRequest, now: Date): Date {
  const end = new Date(now.getTime() + (overlap === undefined ? defaultOverlapMs : durationMs(overlap)));
  return old.expires_at !== null && old.expires_at < end ? old.expires_at : end;
}

async function rotate(tx: Transaction, macs: Macs, old: ApiKeyRow, request: RotateApiKeyRequest, call: Call) {
  const { principal_id, display_name, scopes } = old;
  const expires_at = successorExpiry(old, request, call.now);
  const key = makeKey(macs, { principal_id, display_name, scopes, expires_at }, call);
  const end = overlapEnd(old, request, call.now);
  await replaceApiKey(tx, old.id, key.row.id, end);
  await storeKey(tx, key);
  announceEndAt(tx, old.id, end, call.now);
  return { key, replaced: { ...old, expires_at: end, successor_id: key.row.id } };
}

export function createRotateApiKey({
  macs,
}: {
  readonly macs: Macs;
}): UnaryHandler<typeof ServiceAccountService.method.rotateApiKey> {
  return async (request, call) => {
    const owner = namedAccount(request.principalId, call);
    const id = keyOf(request.apiKeyId, call);
    const { resources } = call.audit;
    return call.commit(async (tx) => {
      const old = await takeKey(tx, id, owner, call.now);
      await requireHeldOf(tx, call, owner, old.scopes);
      const { key, replaced } = await rotate(tx, macs, old, request, call);
      // Set anew, because the transaction may be tried again.
      call.audit.resources = [...resources, { type: "api_key", uid: formatId("apiKey", key.row.id) }];
      call.audit.details.overlap_until = replaced.expires_at.toISOString();
      return create(RotateApiKeyResponseSchema, {
        apiKey: keyView(key.row),
        secret: key.text,
        replacedApiKey: keyView(replaced),
      });
    });
  };
}
