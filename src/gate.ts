// What every call passes, put together: the table of methods, the steps of the chain and the chain itself.
import type { Config } from "./config/schema.ts";
import type { Foundation } from "./foundation.ts";
import type { AccessConditions } from "./kernel/access-rule.ts";
import type { Clock } from "./kernel/clock.ts";
import type { ServiceBinding } from "./kernel/handler.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Authenticator, ClientPrincipals, PossessionGuard, WorkloadIdentities } from "./kernel/ports.ts";
import { openLimiting } from "./limiting.ts";
import { createChain } from "./rpc/chain.ts";
import { foreignPolicies, guardedForeignPolicies } from "./rpc/foreign-policies.ts";
import { createPolicyTable } from "./rpc/policy.ts";
import { createRequestRecords } from "./rpc/request-records/records.ts";
import { createGuessCount } from "./rpc/steps/limit.ts";
import { createSteps } from "./rpc/steps.ts";
import { createMessageValidator } from "./rpc/validation.ts";
import { deadlines } from "./settings.ts";
import type { Telemetry } from "./telemetry.ts";

export interface GateOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly access: AccessConditions;
  readonly possession: PossessionGuard;
  readonly workloads: WorkloadIdentities | undefined;
  readonly clients: ClientPrincipals;
  readonly cleanup: AsyncDisposableStack;
}

/** Throws StartRefused when the contracts or the settings are not fit to serve. */
export async function createRpc(
  foundation: Foundation,
  bindings: readonly ServiceBinding[],
  authenticator: Authenticator,
  { config, clock, logger, telemetry, access, possession, workloads, clients, cleanup }: GateOptions,
) {
  const { database, keys, audit, unitOfWork } = foundation;
  const records = createRequestRecords({ reader: database.reader, sealer: keys.sealer, macs: keys.macs });
  const foreign = config.reflection === "authenticated" ? guardedForeignPolicies : foreignPolicies;
  const table = createPolicyTable(bindings, foreign);
  const { recorder } = audit;
  const { metrics } = telemetry;
  const { writer } = database;
  const limiting = await openLimiting({ config, writer, macs: keys.macs, clock, table, metrics, logger, cleanup });
  const countGuess = createGuessCount({ ...limiting, logger });
  const steps = createSteps({
    logger,
    log: telemetry.callLog,
    metrics,
    recorder,
    authenticator,
    possession,
    workloads,
    clients,
    access,
    records,
    validator: createMessageValidator(),
    table,
    ...limiting,
    deadline: deadlines(config),
  });
  return {
    table,
    limits: limiting.reload,
    dependencies: limiting.dependencies,
    chain: telemetry.traced(createChain({ steps, clock, unitOfWork, records, countGuess })),
  };
}
