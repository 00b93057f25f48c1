// Budgets of calls: by address before anything costs, by principal once it is known, by account where somebody guesses.
import { Access } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import { normaliseLoginName } from "../../kernel/login-name.ts";
import { createRecentMap } from "../../kernel/recent-map.ts";
import { addressPrefix } from "../address.ts";
import type { Exchange } from "../exchange.ts";
import type { Budget } from "../limits/budget.ts";
import type { Limits } from "../limits/limits.ts";
import type { Decision } from "../limits/ports.ts";
import type { Step } from "../step.ts";

export interface LimitStepDeps {
  readonly limits: Limits;
  readonly logger: Logger;
}

function refusal(budget: Budget, { retryAfterMs, first }: Decision): GatehouseError {
  const { name, rate } = budget;
  return new GatehouseError("RATE_LIMITED", {
    retryAfterMs,
    metadata: { limit: name, calls: String(rate.count), period_ms: String(rate.perMs) },
    auditReason: first ? "RATE_LIMITED_FIRST" : "RATE_LIMITED",
  });
}

/** The answer tells of the budget that has least left. */
function tell(exchange: Exchange, budget: Budget, decision: Decision): void {
  if (exchange.quota !== undefined && exchange.quota.remaining <= decision.remaining) return;
  exchange.quota = budget.quotaOf(decision, exchange.incoming.protocol);
}

/** The refusal when the call was one too many, and its budget is more than a shadow. */
function judge(exchange: Exchange, budget: Budget, decision: Decision, logger: Logger): GatehouseError | undefined {
  tell(exchange, budget, decision);
  if (decision.allowed) {
    if (decision.remaining < budget.nearBelow) budget.near.add();
    return undefined;
  }
  budget.over.add();
  if (!budget.shadow) return refusal(budget, decision);
  const { name: limit } = budget;
  if (decision.first) logger.warn({ limit, method: exchange.entry.name }, "over a limit in shadow mode");
  return undefined;
}

function require(exchange: Exchange, budget: Budget, decision: Decision, logger: Logger): void {
  const error = judge(exchange, budget, decision, logger);
  if (error !== undefined) throw error;
}

function draw(exchange: Exchange, budget: Budget, key: string, logger: Logger): void | Promise<void> {
  const decision = budget.take(key, exchange.now);
  if (decision instanceof Promise) return decision.then((late) => require(exchange, budget, late, logger));
  require(exchange, budget, decision, logger);
}

/** True for calls whose credential will be looked at; those count by principal when it is live. Guesses at a client's secret do not. */
function bearsCredential({ entry, incoming }: Exchange): boolean {
  if (entry.access === Access.PUBLIC || incoming.client !== undefined) return false;
  return incoming.metadata("authorization").length > 0 || incoming.peer.certificate !== undefined;
}

function publish(exchange: Exchange): void {
  const { quota, answerMetadata } = exchange;
  if (quota === undefined) return;
  exchange.answerMetadata = answerMetadata === undefined ? quota.metadata : { ...quota.metadata, ...answerMetadata };
}

/** A call that fell over before it was counted by anything still tells what its address has left. */
function peek(exchange: Exchange, budget: Budget): void {
  const decision = budget.peek(addressPrefix(exchange.incoming.peer.address), exchange.now);
  if (decision !== undefined) tell(exchange, budget, decision);
}

/**
 * Anonymous calls count by address, and so do those whose credential turned out dead or forged: each would cost a
 * durable record otherwise. Live principals behind the same address are not made to pay for them.
 */
export function createAddressLimitStep({ limits, logger }: LimitStepDeps): Step {
  /** Undefined when the address is exempt, or the method has no limit. */
  const budgetFor = ({ entry, incoming }: Exchange) => {
    const { address } = limits.of(entry);
    return address === undefined || limits.exempt(incoming.peer.address) ? undefined : address;
  };

  function countForged(exchange: Exchange, budget: Budget): void | Promise<void> {
    const settle = (decision: Decision) => {
      const error = judge(exchange, budget, decision, logger);
      const { outcome } = exchange;
      if (error !== undefined && outcome !== undefined && !outcome.ok) exchange.outcome = { ...outcome, error };
      publish(exchange);
    };
    const decision = budget.take(addressPrefix(exchange.incoming.peer.address), exchange.now);
    if (decision instanceof Promise) return decision.then(settle);
    settle(decision);
  }

  return {
    name: "address limit",
    reason:
      "before the credential is checked, so that an anonymous flood costs nothing; inside audit, which tells of it once",
    after: ["deadline"],
    enter(exchange) {
      if (bearsCredential(exchange)) return;
      const budget = budgetFor(exchange);
      if (budget !== undefined) return draw(exchange, budget, addressPrefix(exchange.incoming.peer.address), logger);
    },
    leave(exchange) {
      const { outcome } = exchange;
      const forged = outcome !== undefined && !outcome.ok && outcome.error.reason === "CREDENTIAL_INVALID";
      if (forged || exchange.quota === undefined) {
        const budget = budgetFor(exchange);
        if (budget !== undefined && forged) return countForged(exchange, budget);
        if (budget !== undefined) peek(exchange, budget);
      }
      publish(exchange);
    },
  };
}

export function createPrincipalLimitStep({ limits, logger }: LimitStepDeps): Step {
  return {
    name: "principal limit",
    reason: "as soon as the principal is known, whatever address it comes from",
    after: ["authenticate"],
    enter(exchange) {
      const { principal } = exchange;
      // Whoever names a public client is nobody in particular, and was counted by address.
      if (principal === undefined || principal.id === "") return;
      const budget = limits.of(exchange.entry).principal;
      if (budget !== undefined) return draw(exchange, budget, principal.id, logger);
    },
  };
}

export type CountGuess = (exchange: Exchange, loginName: string) => void | Promise<void>;

/** Guesses at one account count together, wherever they come from and whichever method they try. */
export function createGuessCount({ limits, logger }: LimitStepDeps): CountGuess {
  return (exchange, loginName) => {
    const budget = limits.of(exchange.entry).account;
    if (budget !== undefined) return draw(exchange, budget, normaliseLoginName(loginName), logger);
  };
}

const mostRefused = 10_000;

/**
 * What only the request tells. Guesses at one account count together, wherever they come from. Each item of a batch counts as a call:
 * the first was counted at the gate. A batch that is larger than the budget costs the whole of it, or it could never be had.
 */
export function createRequestLimitStep(deps: LimitStepDeps): Step {
  const { limits, logger } = deps;
  const countGuess = createGuessCount(deps);
  // The call itself was let in a moment ago, so that alone would make each refusal the first one.
  const refused = createRecentMap<true>(mostRefused);

  function settle(exchange: Exchange, budget: Budget, key: string, decision: Decision): void {
    const name = `${budget.name}/${key}`;
    const first = refused.get(name) === undefined;
    if (decision.allowed) refused.delete(name);
    else refused.set(name, true);
    require(exchange, budget, { ...decision, first }, logger);
  }

  function drawItems(exchange: Exchange, items: number): void | Promise<void> {
    const { principal, incoming, entry } = exchange;
    const { principal: own, address } = limits.of(entry);
    const known = principal !== undefined && principal.id !== "";
    const budget = known ? own : address;
    if (budget === undefined || (!known && limits.exempt(incoming.peer.address))) return;
    const more = Math.min(items, budget.rate.count) - 1;
    const key = known ? principal.id : addressPrefix(incoming.peer.address);
    if (more < 1) return;
    const decision = budget.take(key, exchange.now, more);
    if (decision instanceof Promise) return decision.then((late) => settle(exchange, budget, key, late));
    settle(exchange, budget, key, decision);
  }

  return {
    name: "request limit",
    reason: "after validation, which bounds the name and the list, and before the handler, which would hash or verify",
    after: ["validate"],
    enter(exchange) {
      const { entry, request } = exchange;
      if (request === undefined) return;
      if (entry.items !== undefined) return drawItems(exchange, entry.items(request));
      if (entry.account !== undefined) return countGuess(exchange, entry.account(request));
    },
  };
}
