// Compiles the rules of the contract once, at start. protovalidate evaluates standard rules natively in about 2 us a
// message; messages without any rule are not looked at.
import { type DescMessage, getOption, hasOption, type Message } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import {
  field as fieldRules,
  message as messageRules,
  oneof as oneofRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { FieldViolation } from "../kernel/errors.ts";
import { plainChecks } from "./plain-checks.ts";

export interface MessageValidator {
  /** A check that answers all violations; it never throws. */
  checkOf(schema: DescMessage): (message: Message) => readonly FieldViolation[];
}

const valid: readonly FieldViolation[] = [];

function hasRules(schema: DescMessage, seen = new Set<string>()): boolean {
  if (seen.has(schema.typeName)) return false;
  seen.add(schema.typeName);
  if (hasOption(schema, messageRules) && getOption(schema, messageRules).cel.length > 0) return true;
  if (schema.oneofs.some((oneof) => hasOption(oneof, oneofRules))) return true;
  return schema.fields.some(
    (field) => hasOption(field, fieldRules) || (field.message !== undefined && hasRules(field.message, seen)),
  );
}

/** Patterns are constants of our own contracts and linear in the platform's engine; compiled once each. */
function createMatcher(): (pattern: string, against: string) => boolean {
  const compiled = new Map<string, RegExp>();
  return (pattern, against) => {
    let expression = compiled.get(pattern);
    if (expression === undefined) {
      expression = new RegExp(pattern, "u");
      compiled.set(pattern, expression);
    }
    return expression.test(against);
  };
}

export function createMessageValidator(): MessageValidator {
  const validator = createValidator({ regexMatch: createMatcher() });
  return {
    checkOf(schema) {
      if (!hasRules(schema)) return () => valid;
      const certainlyValid = plainChecks(schema);
      return (message) => {
        if (certainlyValid?.(message)) return valid;
        const result = validator.validate(schema, message);
        if (result.kind === "valid") return valid;
        if (result.kind === "error") throw result.error;
        return result.violations.map((violation) => ({
          field: violation.toString().split(":")[0] ?? "",
          description: violation.message,
        }));
      };
    },
  };
}
