// The table that `gatehouse policy` prints, from the same policy table that the server serves by.
import type { DescService } from "@bufbuild/protobuf";
import { AuditService } from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { DirectoryService } from "@gatehouse/proto/gatehouse/auth/v1/directory_service_pb.js";
import { GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { SessionService } from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import { Access, AuditMode } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { ServerReflection as Reflection } from "@gatehouse/proto/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ReflectionAlpha } from "@gatehouse/proto/grpc/reflection/v1alpha/reflection_pb.js";
import { Health } from "@gatehouse/proto/health/v1/health_pb.js";
import type { Config } from "./config/schema.ts";
import { createPolicyTable, type MethodEntry } from "./rpc/policy.ts";
import { rates } from "./settings.ts";

const servedServices: readonly DescService[] = [
  AuthService,
  SessionService,
  DirectoryService,
  GrantService,
  TokenService,
  SecretsService,
  AuditService,
  Health,
  Reflection,
  ReflectionAlpha,
];

/** The table asks for a handler of each method, so that none is forgotten; here nothing is called. */
function described(service: DescService) {
  return {
    service,
    handlers: Object.fromEntries(service.methods.map((method) => [method.localName, () => undefined])),
  };
}

function resource({ access, permission, resourceType, resourceField }: MethodEntry): string {
  if (permission === "") return "";
  if (access === Access.OWNER && resourceType === "" && resourceField === "") return "what it points at";
  const field = resourceField === "" ? "" : `{${resourceField}}`;
  return [resourceType, field].filter((part) => part !== "").join("/");
}

function row(entry: MethodEntry, config: Config): readonly string[] {
  const rate = entry.limit === "unlimited" ? "off" : rates(config)[entry.limit];
  const often = rate === "off" ? "" : ` ${rate.count} in ${rate.perMs / 1000} s`;
  return [
    entry.name,
    Access[entry.access],
    entry.permission,
    resource(entry),
    `${entry.limit}${often}`,
    AuditMode[entry.auditMode],
    entry.auditEvent,
  ];
}

const head = ["method", "access", "permission", "resource", "limit", "audit", "event"];

/** Throws StartRefused when the contracts are not fit to serve, as the server would. */
export function policyPage(config: Config): string {
  const table = createPolicyTable(servedServices.map(described));
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
