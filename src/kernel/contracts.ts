// What the contracts say of access, for those who explain it.
import type { Demand } from "./access-rule.ts";

export interface MethodContract {
  /** `package.Service/Method`. */
  readonly name: string;
  readonly demand: Demand;
  /** Of methods about a principal: what is asked of it about itself. Undefined = the method is about something else. */
  readonly ownDemand?: Demand;
  /** The permission that the handler asks for where the gate cannot know; else the demand's. */
  readonly permission: string;
  /** The first segment of its resources; empty when the request names the whole resource. */
  readonly resourceType: string;
}

export interface Contracts {
  /** Every permission that some contract names. */
  permissions(): ReadonlySet<string>;
  /** Undefined = no such method. */
  method(name: string): MethodContract | undefined;
}
