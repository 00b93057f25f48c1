// The clusters whose tokens are believed, as the settings name them. Without the setting none of their code is loaded.
import type { Config } from "./config/schema.ts";
import type { Logger } from "./kernel/logger.ts";
import type { WorkloadIssuers } from "./kernel/ports.ts";

/** Throws StartRefused. Undefined = no cluster's tokens are believed. */
export async function openWorkloadIssuers(config: Config, logger: Logger): Promise<WorkloadIssuers | undefined> {
  const { kubernetesIssuersFile: path, audience } = config;
  if (path === undefined) return undefined;
  const { openIssuers } = await import("./kubernetes/issuers.ts");
  return openIssuers({ file: { setting: "GATEHOUSE_KUBERNETES_ISSUERS_FILE", path }, audience, logger });
}
