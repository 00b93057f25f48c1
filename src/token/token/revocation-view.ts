// An event of the feed as guards are told of it; most kinds are the replicas' own business.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Revocation, RevocationSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { FeedEvent } from "../../kernel/database.ts";
import { formatId } from "../../kernel/ids.ts";

type Dead = NonNullable<MessageInitShape<typeof RevocationSchema>["dead"]>;

/** `<id>:<number>`, where an id holds no colon. */
function numbered(key: string): readonly [string, number] {
  const [id = "", number = ""] = key.split(":");
  return [id, Number(number)];
}

/** `<principal>:<client>`; its number is when it may be forgotten. */
function atClient(key: string, expiresAt: Date) {
  const colon = key.indexOf(":");
  return {
    principalId: formatId("principal", key.slice(0, colon)),
    clientId: key.slice(colon + 1),
    since: BigInt(expiresAt.getTime()),
  };
}

function deadOf({ kind, key, expiresAt }: FeedEvent): Dead | undefined {
  const [id, generation] = numbered(key);
  switch (kind) {
    case "token":
      return { case: "tokenId", value: key };
    case "session":
      return { case: "sessionId", value: formatId("session", key) };
    case "subject":
      return { case: "principal", value: { principalId: formatId("principal", id), generation } };
    case "client":
      return { case: "client", value: { clientId: id, generation } };
    case "subject_client":
      return { case: "principalAtClient", value: atClient(key, expiresAt) };
    case "compromised_key":
      return { case: "keyId", value: key };
    case "credential_end":
      return { case: "issuedFor", value: id };
    case "credential":
      return { case: "issuedFor", value: key };
    default:
      return undefined;
  }
}

/** Undefined = not of a kind that ends access tokens by itself. */
export function revocationView(event: FeedEvent): Revocation | undefined {
  const dead = deadOf(event);
  if (dead === undefined) return undefined;
  const effectTime = event.kind === "credential_end" ? timestampFromMs(numbered(event.key)[1]) : undefined;
  const expireTime = timestampFromDate(event.expiresAt);
  return create(RevocationSchema, { dead, expireTime, ...(effectTime && { effectTime }) });
}
