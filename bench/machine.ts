// A machine that asks for tokens: a service account and the client that acts as it, made by ordinary calls.
import { create, toBinary } from "@bufbuild/protobuf";
import { ClientService } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { ServiceAccountService } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { IssueTokenRequestSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { Caller } from "./setup.ts";

export const issuePath = "/gatehouse.token.v1.TokenService/IssueToken";

/** A request for a token by client credentials, base64. */
export async function makeIssueBody(caller: Caller, administrator: string): Promise<string> {
  const clientId = "bench-machine";
  const { serviceAccount } = await caller.call(
    ServiceAccountService.method.createServiceAccount,
    { displayName: clientId },
    administrator,
  );
  const settings = {
    audiences: ["gatehouse"],
    scopes: ["secrets.read"],
    serviceAccountId: serviceAccount?.principalId ?? "",
  };
  await caller.call(ClientService.method.createClient, { clientId, confidential: true, settings }, administrator);
  const { secret } = await caller.call(ClientService.method.createClientSecret, { clientId }, administrator);
  const credential = { case: "client", value: { clientId, clientSecret: secret } } as const;
  return Buffer.from(toBinary(IssueTokenRequestSchema, create(IssueTokenRequestSchema, { credential }))).toString(
    "base64",
  );
}
