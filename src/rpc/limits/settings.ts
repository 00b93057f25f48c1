// What of the limits an operator sets; all of it may change while the server runs.
import type { LimitedName } from "./classes.ts";
import type { Rate } from "./ports.ts";

export type Rates = Readonly<Record<LimitedName, Rate | "off">>;

export interface LimitSettings {
  readonly rates: Rates;
  /** Methods with a budget of their own, by `package.Service/Method` or `Service/Method`. */
  readonly overrides: ReadonlyMap<string, Rate | "off">;
  /** Classes that are counted and logged, and never refused. */
  readonly shadow: ReadonlySet<LimitedName>;
  /** Classes that all replicas count together, beside those that always are. */
  readonly shared: ReadonlySet<LimitedName>;
  /** True for addresses whose own budgets do not count. */
  readonly exempt: (address: string) => boolean;
}

export const noExtras: Omit<LimitSettings, "rates"> = {
  overrides: new Map(),
  shadow: new Set(),
  shared: new Set(),
  exempt: () => false,
};
