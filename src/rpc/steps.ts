// The order of the chain, as a table: outermost first. Each step says beside itself why it stands where it stands.
import type { AccessConditions } from "../kernel/access-rule.ts";
import type { AuditRecorder } from "../kernel/audit.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Metrics } from "../kernel/metrics.ts";
import type { Authenticator, ClientPrincipals, PossessionGuard, WorkloadIdentities } from "../kernel/ports.ts";
import { createCallMeter } from "./call-meter.ts";
import type { Concurrency } from "./limits/concurrency.ts";
import type { Limits } from "./limits/limits.ts";
import type { Pressure } from "./limits/pressure.ts";
import type { PolicyTable } from "./policy.ts";
import type { RequestRecords } from "./request-records/records.ts";
import { checkOrder, type Step } from "./step.ts";
import { createAuditStep } from "./steps/audit.ts";
import { createAuthenticateStep } from "./steps/authenticate.ts";
import { createAuthoriseStep } from "./steps/authorise.ts";
import { createConcurrencyStep } from "./steps/concurrency.ts";
import { createDeadlineStep } from "./steps/deadline.ts";
import { decodeStep } from "./steps/decode.ts";
import { createAddressLimitStep, createPrincipalLimitStep, createRequestLimitStep } from "./steps/limit.ts";
import { type CallLog, createLogStep } from "./steps/log.ts";
import { createReplayStep } from "./steps/replay.ts";
import { createShedStep } from "./steps/shed.ts";
import { createValidateStep } from "./steps/validate.ts";
import type { MessageValidator } from "./validation.ts";

export interface StepDeps {
  readonly logger: Logger;
  readonly log: CallLog;
  readonly metrics: Metrics;
  readonly recorder: AuditRecorder;
  readonly authenticator: Authenticator;
  readonly possession?: PossessionGuard | undefined;
  readonly workloads?: WorkloadIdentities | undefined;
  readonly clients?: ClientPrincipals | undefined;
  readonly access: AccessConditions;
  readonly records: RequestRecords;
  readonly validator: MessageValidator;
  readonly table: PolicyTable;
  readonly limits: Limits;
  readonly concurrency: Concurrency;
  readonly pressure: Pressure;
  readonly deadline: { readonly defaultMs: number; readonly maxMs: number };
}

export function createSteps(deps: StepDeps): readonly Step[] {
  return checkOrder([
    createLogStep({ ...deps, meter: createCallMeter(deps), monotonic: () => performance.now() }),
    createShedStep(deps),
    createAuditStep(deps),
    createDeadlineStep(deps.deadline),
    createAddressLimitStep(deps),
    createAuthenticateStep(deps),
    createPrincipalLimitStep(deps),
    createConcurrencyStep(deps),
    decodeStep,
    createAuthoriseStep(deps.access),
    createValidateStep(deps),
    createRequestLimitStep(deps),
    createReplayStep(deps),
  ]);
}
