// Which codes OpenTelemetry's conventions for RPC count as an error of the server; a refusal is none.
import { codeName } from "../../kernel/code-names.ts";

const unknown = 2;
const deadlineExceeded = 4;
const unimplemented = 12;
const internal = 13;
const unavailable = 14;
const dataLoss = 15;

const names: ReadonlySet<string> = new Set(
  [unknown, deadlineExceeded, unimplemented, internal, unavailable, dataLoss].map(codeName),
);

/** By the code's name. */
export function isServerError(code: string): boolean {
  return names.has(code);
}
