// The conditions of the rule of access, from the settings that are in force, and what a reload does to them.
import type { Config } from "./config/schema.ts";
import type { AccessConditions } from "./kernel/access-rule.ts";
import { follows, type ReloadPart } from "./reload.ts";

export interface Access {
  readonly conditions: AccessConditions;
  readonly reload: ReloadPart;
}

type Settings = Pick<Config, "stepUpAge" | "stepUpSecondFactor" | "adminNetworks">;

export function createAccess({ stepUpAge, stepUpSecondFactor, adminNetworks }: Settings): Access {
  let networks = adminNetworks;
  return {
    conditions: {
      stepUpAgeMs: stepUpAge === "off" ? undefined : stepUpAge,
      secondFactor: stepUpSecondFactor === "administrators",
      adminNetworks: () => networks,
    },
    reload: follows((config) => {
      networks = config.adminNetworks;
    }),
  };
}
