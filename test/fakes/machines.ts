// Credentials of service accounts for tests, and ports that know them.
import { GatehouseError } from "../../src/kernel/errors.ts";
import type { ApiKeyCredential, ApiKeys, WorkloadBindings, WorkloadCredential } from "../../src/kernel/ports.ts";

export interface KnownMachines {
  /** By the text of the key. */
  readonly keys?: Readonly<Record<string, ApiKeyCredential>>;
  /** By the thumbprint of the certificate. */
  readonly certificates?: Readonly<Record<string, WorkloadCredential>>;
  /** By the text of the token. */
  readonly kubernetes?: Readonly<Record<string, WorkloadCredential>>;
}

export function fakeMachines(known: KnownMachines = {}): {
  readonly apiKeys: ApiKeys;
  readonly workloads: WorkloadBindings;
} {
  const orRefuse = <T>(found: T | undefined): T => {
    if (found === undefined) throw new GatehouseError("CREDENTIAL_INVALID");
    return found;
  };
  return {
    apiKeys: { verify: async (text) => orRefuse(known.keys?.[text]) },
    workloads: {
      ofCertificate: ({ thumbprint }) => known.certificates?.[thumbprint],
      ofKubernetesToken: async (text) => orRefuse(known.kubernetes?.[text]),
    },
  };
}
