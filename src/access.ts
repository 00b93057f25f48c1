// The conditions of the rule of access, from the settings that are in force, and what a reload does to them.
import type { Config } from "./config/schema.ts";
import type { AccessConditions } from "./kernel/access-rule.ts";
import { follows, type ReloadPart } from "./reload.ts";

export interface Access {
  readonly conditions: AccessConditions;
  readonly reload: ReloadPart;
}

export function createAccess({ stepUpAge, adminNetworks }: Pick<Config, "stepUpAge" | "adminNetworks">): Access {
  let networks = adminNetworks;
  return {
    conditions: { stepUpAgeMs: stepUpAge === "off" ? undefined : stepUpAge, adminNetworks: () => networks },
    reload: follows((config) => {
      networks = config.adminNetworks;
    }),
  };
}
