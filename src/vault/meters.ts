// What is counted of the calls to Vault: how many, how they ended, how long they took.
import type { Counter, Metrics } from "../kernel/metrics.ts";
import type { VaultObserver } from "./calls.ts";

/** Labels are these and no text of a path. */
const operations = ["sign", "encrypt", "decrypt", "login", "lookup-self", "renew-self", "revoke-self", "keys"] as const;

function operationOf(pathTemplate: string): string {
  const words = pathTemplate.split("/");
  return operations.find((operation) => words.includes(operation)) ?? "other";
}

const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function vaultMeters(metrics: Metrics): VaultObserver {
  const calls = metrics.counter({
    name: "gatehouse_vault_calls_total",
    help: "Calls to Vault by what they asked and how they ended: a status, or why there was none.",
    labels: ["operation", "outcome"],
  });
  const duration = metrics.histogram({
    name: "gatehouse_vault_call_duration_seconds",
    help: "One call to Vault, with its wait for a connection.",
    labels: ["operation"],
    bounds,
  });
  // Looking a label up costs more than counting.
  const kept = new Map<string, Counter>();

  function counterOf(operation: string, outcome: string): Counter {
    const key = `${operation} ${outcome}`;
    const known = kept.get(key) ?? calls.with({ operation, outcome });
    kept.set(key, known);
    return known;
  }

  return (pathTemplate, outcome, seconds) => {
    const operation = operationOf(pathTemplate);
    counterOf(operation, outcome).add();
    duration.with({ operation }).record(seconds);
  };
}
