// The rules that the contract states beside its fields (buf.validate), all violations at once.
import type { Message } from "@bufbuild/protobuf";
import { type FieldViolation, GatehouseError } from "../../kernel/errors.ts";
import type { PolicyTable } from "../policy.ts";
import type { Step } from "../step.ts";
import type { MessageValidator } from "../validation.ts";

/** Throws REQUEST_INVALID. */
function requireValid(violations: readonly FieldViolation[]): void {
  if (violations.length > 0) throw new GatehouseError("REQUEST_INVALID", { violations });
}

export function createValidateStep(deps: { readonly validator: MessageValidator; readonly table: PolicyTable }): Step {
  const checks = new Map<string, (message: Message) => readonly FieldViolation[]>();
  for (const entry of deps.table.values()) checks.set(entry.name, deps.validator.checkOf(entry.method.input));
  return {
    name: "validate",
    reason: "after authorisation, before anything acts on the request",
    after: ["authorise"],
    enter({ entry, request }) {
      const check = checks.get(entry.name);
      if (check !== undefined && request !== undefined) requireValid(check(request));
    },
  };
}
