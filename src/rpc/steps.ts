// The order of the chain, as a table: outermost first. Each step says beside itself why it stands where it stands.
import type { AuditRecorder } from "../kernel/audit.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Authenticator } from "../kernel/ports.ts";
import type { PolicyTable } from "./policy.ts";
import type { RequestRecords } from "./request-records/records.ts";
import { checkOrder, type Step } from "./step.ts";
import { createAuditStep } from "./steps/audit.ts";
import { createAuthenticateStep } from "./steps/authenticate.ts";
import { authoriseStep } from "./steps/authorise.ts";
import { createDeadlineStep } from "./steps/deadline.ts";
import { decodeStep } from "./steps/decode.ts";
import { createAccountLimitStep, createAddressLimitStep, createPrincipalLimitStep, type Rates } from "./steps/limit.ts";
import { createLogStep } from "./steps/log.ts";
import { createReplayStep } from "./steps/replay.ts";
import { createValidateStep } from "./steps/validate.ts";
import type { MessageValidator } from "./validation.ts";

export interface StepDeps {
  readonly logger: Logger;
  readonly recorder: AuditRecorder;
  readonly authenticator: Authenticator;
  readonly records: RequestRecords;
  readonly validator: MessageValidator;
  readonly table: PolicyTable;
  readonly rates: Rates;
  readonly deadline: { readonly defaultMs: number; readonly maxMs: number };
}

export function createSteps(deps: StepDeps): readonly Step[] {
  return checkOrder([
    createLogStep(deps),
    createAuditStep(deps),
    createDeadlineStep(deps.deadline),
    createAddressLimitStep(deps.rates),
    createAuthenticateStep(deps),
    createPrincipalLimitStep(deps.rates),
    decodeStep,
    authoriseStep,
    createValidateStep(deps),
    createAccountLimitStep(deps.rates),
    createReplayStep(deps),
  ]);
}
