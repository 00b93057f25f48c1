// What is asked of many tokens, ended for a subject and told to guards, once each, and what of it nobody else may see.
import type { Gatehouse } from "../../../clients/typescript/src/index.ts";
import type { Canary } from "./canaries.ts";

export async function revocationCanaries(client: Gatehouse, accessToken: string): Promise<readonly Canary[]> {
  const { tokens, serviceAccounts, crypto } = client;
  await tokens.batchIntrospect({ tokens: [accessToken, "none of ours"] });
  const { serviceAccount } = await serviceAccounts.createServiceAccount({ displayName: "ended" });
  await tokens.revokeSubject({ principalId: serviceAccount?.principalId ?? "" });
  const generated = await crypto.generateToken({ prefix: "acme_" });
  const resumeTokens: string[] = [];
  // Leaving the loop alone does not end the call: Connect's streams have no `return`.
  const leaving = new AbortController();
  for await (const { event, resumeToken } of tokens.watchRevocations({}, { signal: leaving.signal })) {
    if (event.case !== "snapshotEnd") continue;
    resumeTokens.push(resumeToken);
    break;
  }
  leaving.abort();
  return [
    { name: "generated token", value: generated.token.slice("acme_".length) },
    { name: "resume token", value: resumeTokens[0] ?? "" },
  ];
}
