// Takes new settings and files while the server runs, at SIGHUP: all of it or nothing, on record before it has effect.
import { randomUUID } from "node:crypto";
import type { Reading } from "./config/load.ts";
import { planReload, type ReloadPlan } from "./config/reload-plan.ts";
import type { Config } from "./config/schema.ts";
import type { Clock } from "./kernel/clock.ts";
import { GatehouseError } from "./kernel/errors.ts";
import type { Logger } from "./kernel/logger.ts";
import type { PreparedReload } from "./kernel/reload.ts";
import { StartRefused } from "./kernel/start-refused.ts";
import { systemRecord } from "./kernel/system-record.ts";
import type { UnitOfWork } from "./kernel/unit-of-work.ts";

/** Reads and checks what it needs; rejects with a clear sentence when that is not fit to use. */
export interface ReloadPart {
  prepare(config: Config): PreparedReload | Promise<PreparedReload>;
}

/** A part that only follows its settings, which were checked when they were read. */
export function follows(apply: (config: Config) => void): ReloadPart {
  return { prepare: (config) => ({ changed: [], apply: () => apply(config) }) };
}

export interface ReloadDeps {
  readonly config: Config;
  readonly parts: readonly ReloadPart[];
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Reload {
  /** One after the other, in the order asked. Never rejects: the log tells how it went. */
  take(read: () => Reading): Promise<void>;
  /** Waits for what is under way, and takes nothing more. */
  stop(): Promise<void>;
}

interface Prepared {
  readonly changed: readonly string[];
  readonly switches: readonly PreparedReload[];
}

async function prepareAll(parts: readonly ReloadPart[], plan: ReloadPlan): Promise<Prepared> {
  const switches = await Promise.all(parts.map(async (part) => part.prepare(plan.config)));
  return { switches, changed: [...new Set([...plan.changed, ...switches.flatMap(({ changed }) => changed)])] };
}

/** Only sentences of our own; what a library says stands in the cause. */
function sentenceOf(error: unknown): string {
  const ours = error instanceof StartRefused || error instanceof GatehouseError;
  return ours ? error.message : "an error that nobody expected";
}

const nothingTaken = "reload refused: everything stays as it was";

export function createReload({ config, parts, unitOfWork, clock, logger }: ReloadDeps): Reload {
  let running = config;
  let last: Promise<void> = Promise.resolve();
  let stopped = false;

  async function takePlan(plan: ReloadPlan): Promise<void> {
    const { changed, switches } = await prepareAll(parts, plan);
    if (changed.length > 0) {
      const details = { changed: [...changed] };
      await unitOfWork.commit(systemRecord({ event: "config.reloaded", now: clock.now(), details }), async () => {});
      for (const { apply } of switches) apply();
      running = plan.config;
    }
    logger.info({ changed }, changed.length > 0 ? "reloaded" : "reloaded: nothing changed");
    if (plan.waiting.length > 0) logger.warn({ settings: plan.waiting }, "settings changed that need a restart");
  }

  async function once(read: () => Reading): Promise<void> {
    if (stopped) return;
    try {
      const plan = planReload(running, read());
      if ("problems" in plan) logger.error({ problems: plan.problems }, nothingTaken);
      else await takePlan(plan);
    } catch (err) {
      logger.error({ err, error_id: randomUUID(), problems: [sentenceOf(err)] }, nothingTaken);
    }
  }

  return {
    take(read) {
      last = last.then(() => once(read));
      return last;
    },
    stop() {
      stopped = true;
      return last;
    },
  };
}
