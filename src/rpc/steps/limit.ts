// Budgets of calls, in this process: by address before anything costs, by principal once it is known, by account where somebody guesses.

import { Access } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { GatehouseError } from "../../kernel/errors.ts";
import { normaliseLoginName } from "../../kernel/login-name.ts";
import { addressPrefix } from "../address.ts";
import type { Exchange } from "../exchange.ts";
import { createLimiter, type Limiter, type Rate } from "../gcra.ts";
import type { LimitName } from "../policy.ts";
import type { Step } from "../step.ts";

export type Rates = Readonly<Record<Exclude<LimitName, "unlimited">, Rate | "off">>;

type Limiters = Readonly<Partial<Record<LimitName, Limiter>>>;

function createLimiters(rates: Rates): Limiters {
  const limiters: Partial<Record<LimitName, Limiter>> = {};
  for (const name of ["login", "tokenCheck", "read", "write"] as const) {
    const rate = rates[name];
    if (rate !== "off") limiters[name] = createLimiter(rate);
  }
  return limiters;
}

/** Counts a call; the refusal when it is one too many. */
function overrun(limiters: Limiters, limit: LimitName, key: string, now: Date): GatehouseError | undefined {
  const limiter = limiters[limit];
  const decision = limiter?.take(key, now.getTime());
  if (limiter === undefined || decision === undefined || decision.allowed) return undefined;
  return new GatehouseError("RATE_LIMITED", {
    retryAfterMs: decision.retryAfterMs,
    metadata: { limit, calls: String(limiter.rate.count), period_ms: String(limiter.rate.perMs) },
    auditReason: decision.first ? "RATE_LIMITED_FIRST" : "RATE_LIMITED",
  });
}

function take(limiters: Limiters, limit: LimitName, key: string, now: Date): void {
  const refusal = overrun(limiters, limit, key, now);
  if (refusal !== undefined) throw refusal;
}

/** One address may stand for a whole office, so it gets the budget of this many accounts. */
const accountsBehindAddress = 10;

function addressRates(rates: Rates): Rates {
  const { login } = rates;
  return {
    ...rates,
    login: login === "off" ? login : { count: login.count * accountsBehindAddress, perMs: login.perMs },
  };
}

/** True for calls whose credential will be looked at; those count by principal when it is live. */
function bearsCredential({ entry, incoming }: Exchange): boolean {
  return entry.access !== Access.PUBLIC && incoming.metadata("authorization").length > 0;
}

/**
 * Anonymous calls count by address, and so do those whose credential turned out dead or forged: each would cost a
 * durable record otherwise. Live principals behind the same address are not made to pay for them.
 */
export function createAddressLimitStep(rates: Rates): Step {
  const limiters = createLimiters(addressRates(rates));
  const overrunOf = ({ entry, incoming, now }: Exchange) =>
    overrun(limiters, entry.limit, addressPrefix(incoming.peer.address), now);
  return {
    name: "address limit",
    reason:
      "before the credential is checked, so that an anonymous flood costs nothing; inside audit, which tells of it once",
    after: ["deadline"],
    enter(exchange) {
      const refusal = bearsCredential(exchange) ? undefined : overrunOf(exchange);
      if (refusal !== undefined) throw refusal;
    },
    leave(exchange) {
      const { outcome } = exchange;
      if (outcome === undefined || outcome.ok || outcome.error.reason !== "CREDENTIAL_INVALID") return;
      const error = overrunOf(exchange);
      if (error !== undefined) exchange.outcome = { ...outcome, error };
    },
  };
}

export function createPrincipalLimitStep(rates: Rates): Step {
  const limiters = createLimiters(rates);
  return {
    name: "principal limit",
    reason: "as soon as the principal is known, whatever address it comes from",
    after: ["authenticate"],
    enter(exchange) {
      if (exchange.principal !== undefined) take(limiters, exchange.entry.limit, exchange.principal.id, exchange.now);
    },
  };
}

/** Guesses at one account count together, wherever they come from. */
export function createAccountLimitStep(rates: Rates): Step {
  const limiters = createLimiters(rates);
  return {
    name: "account limit",
    reason: "after validation, which bounds the name, and before the handler, which would hash a password",
    after: ["validate"],
    enter(exchange: Exchange) {
      const { entry, request } = exchange;
      if (entry.account === undefined || request === undefined) return;
      take(limiters, entry.limit, `account:${normaliseLoginName(entry.account(request))}`, exchange.now);
    },
  };
}
