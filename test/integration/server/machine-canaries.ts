// A service account as it lives, once through every method about it, and what of it nobody else may see.
import type { Gatehouse } from "../../../clients/typescript/src/index.ts";
import type { Canary } from "./canaries.ts";

export async function machineCanaries({ serviceAccounts, tokens }: Gatehouse): Promise<readonly Canary[]> {
  const { serviceAccount } = await serviceAccounts.createServiceAccount({ displayName: "cart" });
  const { principalId = "" } = serviceAccount ?? {};
  const made = await serviceAccounts.createApiKey({ principalId, displayName: "ci" });
  const apiKeyId = made.apiKey?.apiKeyId ?? "";
  const rotated = await serviceAccounts.rotateApiKey({ principalId, apiKeyId });
  const { issued } = await tokens.issueToken({ credential: { case: "apiKey", value: rotated.secret } });
  await serviceAccounts.revokeApiKey({ principalId, apiKeyId });
  await serviceAccounts.listApiKeys({ principalId });
  const workload = { case: "dnsName" as const, value: "cart.internal" };
  const { workloadBinding } = await serviceAccounts.createWorkloadBinding({ principalId, workload });
  await serviceAccounts.listWorkloadBindings({ principalId });
  const { workloadBindingId = "" } = workloadBinding ?? {};
  await serviceAccounts.deleteWorkloadBinding({ principalId, workloadBindingId });
  await serviceAccounts.updateServiceAccount({ principalId, disabled: true });
  await serviceAccounts.getServiceAccount({ principalId });
  await serviceAccounts.listServiceAccounts({});
  const { serviceAccount: leaving } = await serviceAccounts.createServiceAccount({ displayName: "leaving" });
  await serviceAccounts.deleteServiceAccount({ principalId: leaving?.principalId ?? "" });
  // Beyond the first letters, by which its keeper recognises it.
  const unseen = (text: string): string => text.slice(12);
  return [
    { name: "API key", value: unseen(made.secret) },
    { name: "rotated API key", value: unseen(rotated.secret) },
    { name: "token of a machine", value: issued?.accessToken.split(".")[2] ?? "" },
  ];
}
