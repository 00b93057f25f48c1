// The table that `gatehouse policy` prints, from the same policy table that the server serves by.
import { Access, AuditMode } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import type { Config } from "./config/schema.ts";
import { described } from "./contracts.ts";
import { foreignPolicies, guardedForeignPolicies } from "./rpc/foreign-policies.ts";
import { createPolicyTable, type MethodEntry } from "./rpc/policy.ts";
import { servedServices } from "./served-services.ts";
import { rates } from "./settings.ts";

function resource({ access, permission, resourceType, resourceField }: MethodEntry): string {
  if (permission === "") return "";
  if (access === Access.OWNER && resourceType === "" && resourceField === "") return "what it points at";
  const field = resourceField === "" ? "" : `{${resourceField}}`;
  return [resourceType, field].filter((part) => part !== "").join("/");
}

/** What the rule of access asks beside the grant. */
function gate({ demand: { stepUp, secondFactor, adminNetwork } }: MethodEntry, { stepUpSecondFactor }: Config): string {
  const second = secondFactor || (stepUp && stepUpSecondFactor === "administrators");
  return [
    ...(stepUp ? ["step-up"] : []),
    ...(second ? ["second factor"] : []),
    ...(adminNetwork ? ["network"] : []),
  ].join(", ");
}

function row(entry: MethodEntry, config: Config): readonly string[] {
  const rate = entry.limit === "unlimited" ? "off" : rates(config)[entry.limit];
  const often = rate === "off" ? "" : ` ${rate.count} in ${rate.perMs / 1000} s`;
  return [
    entry.name,
    Access[entry.access],
    entry.permission,
    resource(entry),
    gate(entry, config),
    `${entry.limit}${often}${often !== "" && entry.items !== undefined ? ", by item" : ""}`,
    entry.priority,
    AuditMode[entry.auditMode],
    entry.auditEvent,
  ];
}

const head = ["method", "access", "permission", "resource", "narrowed by", "limit", "priority", "audit", "event"];

/** Throws StartRefused when the contracts are not fit to serve, as the server would. */
export function policyPage(config: Config): string {
  const foreign = config.reflection === "authenticated" ? guardedForeignPolicies : foreignPolicies;
  const served = servedServices.filter(
    ({ typeName }) => config.reflection !== "off" || !typeName.includes(".reflection."),
  );
  const table = createPolicyTable(served.map(described), foreign);
  const rows = [head, ...[...table.values()].map((entry) => row(entry, config))];
  const widths = head.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
