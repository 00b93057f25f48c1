// A client and its secrets as the contract shows them.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type Client,
  ClientSchema,
  type ClientSecret,
  ClientSecretSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { formatId } from "../../kernel/ids.ts";
import type { StoredSecret } from "../client-secret/store.ts";
import { writeSettings } from "./settings.ts";
import type { StoredClient } from "./store.ts";

export function clientView(client: Omit<StoredClient, "generation">): Client {
  return create(ClientSchema, {
    clientId: client.id,
    confidential: client.confidential,
    settings: writeSettings(client),
    createTime: timestampFromDate(client.createdAt),
    updateTime: timestampFromDate(client.updatedAt),
  });
}

export function secretView({ id, hint, createdAt, expiresAt, lastUsedAt }: Omit<StoredSecret, "hash">): ClientSecret {
  return create(ClientSecretSchema, {
    secretId: formatId("clientSecret", id),
    hint,
    createTime: timestampFromDate(createdAt),
    ...(expiresAt === undefined ? {} : { expireTime: timestampFromDate(expiresAt) }),
    ...(lastUsedAt === undefined ? {} : { lastUseTime: timestampFromDate(lastUsedAt) }),
  });
}
