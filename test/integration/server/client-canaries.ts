// A client's life, every method of it once with success, and what of it nobody but its owner may see.
import { TokenKind } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { Gatehouse } from "../../../clients/typescript/src/index.ts";
import type { Canary } from "./canaries.ts";
import type { Account } from "./installation.ts";

export async function clientCanaries(
  administrator: Gatehouse,
  visitor: Gatehouse,
  person: Account,
): Promise<readonly Canary[]> {
  const { clients } = administrator;
  const clientId = "till";
  const settings = { logins: true, exchange: true, audiences: ["gatehouse"], scopes: ["secrets.read"] };
  await clients.createClient({ clientId, confidential: true, settings });
  const { secret, clientSecret } = await clients.createClientSecret({ clientId });
  const shown = { clientId, clientSecret: secret };
  const { outcome } = await visitor.auth.login({ ...person, ...shown });
  if (outcome.case !== "tokens") throw new Error("Login answered no tokens");
  const { refreshToken, accessToken } = outcome.value;
  await visitor.tokens.refresh({ refreshToken, ...shown });
  const exchange = { client: shown, subjectToken: accessToken, subjectTokenKind: TokenKind.ACCESS };
  const { issued } = await visitor.tokens.exchangeToken(exchange);
  await visitor.tokens.exchangeToken({ ...exchange, subjectToken: `${accessToken}x` }).catch(() => undefined);
  await clients.updateClient({ clientId, settings: { displayName: "Till" } });
  await clients.getClient({ clientId });
  await clients.listClients({});
  await clients.listClientSecrets({ clientId });
  // To a client that is unknown, and of a person who is.
  for (const wrong of [
    { ...shown, clientId: "nobody" },
    { ...shown, clientSecret: `${secret}x` },
  ])
    await visitor.auth.login({ ...person, ...wrong }).catch(() => undefined);
  await visitor.tokens.refresh({ refreshToken, clientId: "nobody", clientSecret: secret }).catch(() => undefined);
  await clients.revokeClientSecret({ clientId, secretId: clientSecret?.secretId ?? "" });
  await clients.deleteClient({ clientId });
  return [
    { name: "client secret", value: secret },
    // Its first characters are shown by design; the rest never.
    { name: "end of a client secret", value: secret.slice(12) },
    { name: "access token of a client", value: accessToken },
    { name: "exchanged access token", value: issued?.accessToken ?? "" },
    { name: "refresh token of a client", value: refreshToken },
  ];
}
