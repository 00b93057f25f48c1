// Which budgets each method draws on, from its policy and the settings. Looked up once a call, put together at the start and
// whenever the settings change; what was counted stays counted.
import type { Logger } from "../../kernel/logger.ts";
import type { Metrics } from "../../kernel/metrics.ts";
import { StartRefused } from "../../kernel/start-refused.ts";
import { createLimiter, type Limiter } from "../gcra.ts";
import type { MethodEntry, PolicyTable } from "../policy.ts";
import { type Budget, countHere, countTogether, type Scope } from "./budget.ts";
import { type LimitedName, limitClasses } from "./classes.ts";
import { createLimitMeters, type LimitMeters } from "./meters.ts";
import type { LimitKey, LimitStore, Rate } from "./ports.ts";
import { createQuotaWriter } from "./quota-metadata.ts";
import type { LimitSettings } from "./settings.ts";
import { createSharedCounting, type SharedCounting } from "./shared-counting.ts";

export type Budgets = Readonly<Record<Scope, Budget | undefined>>;

export interface Limits {
  of(entry: MethodEntry): Budgets;
  /** Throws StartRefused when an override names no method that is served. */
  check(settings: LimitSettings): void;
  /** Takes new settings, which `check` has let pass. */
  update(settings: LimitSettings, now: Date): void;
  /** True for addresses whose own budgets do not count. */
  exempt(address: string): boolean;
}

export interface LimitsDeps {
  readonly table: PolicyTable;
  readonly settings: LimitSettings;
  readonly store: LimitStore;
  readonly keyOf: LimitKey;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const unlimited: Budgets = { address: undefined, principal: undefined, account: undefined };

/** `a.b.v1.Service/Method` goes by its whole name and by `Service/Method`. */
function namesOf({ name }: MethodEntry): readonly string[] {
  return [name, name.slice(name.lastIndexOf(".", name.indexOf("/")) + 1)];
}

function requireKnownMethods(table: PolicyTable, { overrides }: LimitSettings): void {
  const entries = [...table.values()];
  for (const name of overrides.keys()) {
    const meant = entries.filter((entry) => namesOf(entry).includes(name));
    if (meant.length === 1 && meant[0]?.limit !== "unlimited") continue;
    const fault = meant.length === 0 ? "no method" : meant.length > 1 ? "several methods" : "a method without limits";
    // Settings are the operator's own words, and a method's name is no secret.
    throw new StartRefused(`GATEHOUSE_LIMIT_OVERRIDES names ${fault}: ${name.replace(/[^\w./]/g, "?").slice(0, 120)}`);
  }
}

interface Making {
  readonly settings: LimitSettings;
  readonly limiterOf: (name: string, rate: Rate) => Limiter;
  readonly counting: SharedCounting;
  readonly meters: LimitMeters;
}

function budgetOf(making: Making, limit: LimitedName, name: string, scope: Scope, base: Rate): Budget {
  const { settings, meters, counting, limiterOf } = making;
  const rule = limitClasses[limit];
  const rate = scope === "address" ? { ...base, count: base.count * rule.callersBehindAddress } : base;
  const kept = `${name}/${scope}`;
  const shared = rule.counted === "shared" || settings.shared.has(limit);
  const shadow = settings.shadow.has(limit);
  const here = shared && rule.withoutStore === "closed" ? undefined : limiterOf(kept, rate);
  return {
    name,
    rate,
    shadow,
    quotaOf: createQuotaWriter(name, rate),
    nearBelow: rate.count / 5,
    near: meters.near.with({ limit }),
    over: (shadow ? meters.shadow : meters.over).with({ limit }),
    ...(here === undefined || shared ? countTogether(counting, kept, rate, here) : countHere(here)),
  };
}

function budgetsOf(making: Making, entry: MethodEntry): Budgets {
  const { limit } = entry;
  if (limit === "unlimited") return unlimited;
  const [full = "", short = ""] = namesOf(entry);
  const { overrides, rates } = making.settings;
  const override = overrides.get(full) ?? overrides.get(short);
  const rate = override ?? rates[limit];
  if (rate === "off") return unlimited;
  const name = override === undefined ? limit : short;
  return {
    address: budgetOf(making, limit, name, "address", rate),
    principal: budgetOf(making, limit, name, "principal", rate),
    // Also where no field of the request names the account: the handler may find out whose password is guessed at.
    account: limit === "login" ? budgetOf(making, limit, name, "account", rate) : undefined,
  };
}

export function createLimits(deps: LimitsDeps): Limits {
  const { table, metrics } = deps;
  const meters = createLimitMeters(metrics);
  const counting = createSharedCounting({ ...deps, meters });
  const limiters = new Map<string, Limiter>();
  metrics.gauge(
    { name: "gatehouse_limit_keys", help: "Callers whose calls this process counts, by budget.", labels: ["budget"] },
    () => [...limiters].map(([budget, { size }]) => [{ budget }, size] as const),
  );

  function limiterOf(name: string, rate: Rate, now: Date | undefined): Limiter {
    const known = limiters.get(name);
    const limiter = known ?? createLimiter(rate);
    if (now !== undefined) known?.update(rate, now.getTime());
    limiters.set(name, limiter);
    return limiter;
  }

  /** `now` = of the change; undefined at the start, when nobody owes anything. */
  function make(settings: LimitSettings, now?: Date): ReadonlyMap<string, Budgets> {
    const making: Making = { settings, limiterOf: (name, rate) => limiterOf(name, rate, now), counting, meters };
    return new Map([...table.values()].map((entry) => [entry.name, budgetsOf(making, entry)]));
  }

  requireKnownMethods(table, deps.settings);
  let settings = deps.settings;
  let budgets = make(settings);
  return {
    of: (entry) => budgets.get(entry.name) ?? unlimited,
    exempt: (address) => settings.exempt(address),
    check: (changed) => requireKnownMethods(table, changed),
    update(changed, now) {
      settings = changed;
      budgets = make(changed, now);
      counting.forget();
    },
  };
}
