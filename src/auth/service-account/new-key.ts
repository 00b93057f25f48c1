// An API key in the making: its text, the hash by which it is found again, and its row.
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import { type Call, callerOf } from "../../kernel/handler.ts";
import { uuidv7 } from "../../kernel/ids.ts";
import type { Mac, Macs } from "../../kernel/sealing.ts";
import { keyParts } from "../api-key/api-keys.ts";
import { type ApiKeyRow, countLiveKeys, insertApiKey } from "../api-key/store.ts";
import { makeCredentialText, shownPrefix } from "../domain/credential-text.ts";

/** Enough for every place that uses one and its successor; few enough that somebody knows them all. */
const mostLiveKeys = 20;
const longestLifeMs = 3_653 * 86_400_000;

export function expiryOf(given: Timestamp | undefined, now: Date): Date | undefined {
  if (given === undefined) return undefined;
  const expiry = timestampDate(given);
  const ahead = expiry.getTime() - now.getTime();
  if (!(ahead > 0)) throw invalidField("expire_time", "must lie ahead");
  if (!(ahead <= longestLifeMs)) throw invalidField("expire_time", "must lie within ten years");
  return expiry;
}

export interface NewKey {
  readonly text: string;
  readonly hash: Mac;
  readonly row: ApiKeyRow;
}

export type KeyContent = Pick<ApiKeyRow, "principal_id" | "display_name" | "scopes" | "expires_at">;

export function makeKey(macs: Macs, content: KeyContent, call: Call): NewKey {
  const text = makeCredentialText("api_key");
  const row = {
    ...content,
    id: uuidv7(call.now),
    prefix: shownPrefix(text),
    created_at: call.now,
    created_by: callerOf(call).id,
    revoked_at: null,
    successor_id: null,
    last_used_at: null,
  };
  return { text, hash: macs.mac("token-hash", keyParts(text)), row };
}

/** The account is locked, so the count stays right. Throws API_KEY_LIMIT_REACHED. */
export async function storeKey(tx: Transaction, { row, hash }: NewKey): Promise<void> {
  if ((await countLiveKeys(tx, row.principal_id, row.created_at)) >= mostLiveKeys)
    throw new GatehouseError("API_KEY_LIMIT_REACHED");
  await insertApiKey(tx, row, hash);
}
