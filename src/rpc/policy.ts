// The table of all methods that are served, made from the descriptors at start. A method whose policy is missing or
// does not make sense stops the process; nothing is looked up in descriptors after this.
import {
  type DescField,
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import {
  Access,
  AuditCategory,
  AuditMode,
  LimitClass,
  type MethodPolicy,
  Network,
  Priority,
  policy as policyOption,
  StepUp,
} from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import type { Demand } from "../kernel/access-rule.ts";
import type { ServiceBinding } from "../kernel/handler.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import { foreignPolicies } from "./foreign-policies.ts";
import { sensitiveFieldProblems } from "./sensitive-fields.ts";

export type LimitName = "login" | "tokenCheck" | "read" | "write" | "unlimited";

/** What goes first when there is too much to do, first to last. */
export type PriorityName = "health" | "critical" | "normal" | "bulk";

export interface MethodEntry {
  /** `package.Service/Method`. */
  readonly name: string;
  readonly method: DescMethod;
  readonly access: Access;
  readonly permission: string;
  readonly resourceType: string;
  /** Reads the field that names the resource; the empty text when the policy names none. */
  readonly resourceValue: (request: Message) => string;
  readonly resourceField: string;
  readonly limit: LimitName;
  readonly priority: PriorityName;
  /** What the rule of access asks of callers. */
  readonly demand: Demand;
  /** With access SELF: what it asks of calls about the caller itself. The same as `demand` otherwise. */
  readonly ownDemand: Demand;
  readonly auditEvent: string;
  readonly auditMode: AuditMode;
  readonly auditCategory: "ADMIN" | "DATA_ACCESS";
  readonly maxRequestBytes: number;
  /** Reads `request_id`; undefined for methods that have none. */
  readonly requestId: ((request: Message) => string) | undefined;
  /** Reads `login_name`, the account that a guess is aimed at; undefined for methods that have none. */
  readonly account: ((request: Message) => string) | undefined;
  /** How many items the request holds, each of which counts as a call; undefined where the call itself is one. */
  readonly items: ((request: Message) => number) | undefined;
  readonly handler: unknown;
}

export type PolicyTable = ReadonlyMap<string, MethodEntry>;

const defaultMaxRequestBytes = 64 * 1024;
export const largestRequestBytes = 4 * 1024 * 1024;

const limitNames: Readonly<Record<LimitClass, LimitName | undefined>> = {
  [LimitClass.UNSPECIFIED]: undefined,
  [LimitClass.LOGIN]: "login",
  [LimitClass.TOKEN_CHECK]: "tokenCheck",
  [LimitClass.READ]: "read",
  [LimitClass.WRITE]: "write",
  [LimitClass.UNLIMITED]: "unlimited",
};

const priorityNames: Readonly<Record<Priority, PriorityName | undefined>> = {
  [Priority.UNSPECIFIED]: undefined,
  [Priority.HEALTH]: "health",
  [Priority.CRITICAL]: "critical",
  [Priority.NORMAL]: "normal",
  [Priority.BULK]: "bulk",
};

const needsPermission: ReadonlySet<Access> = new Set([Access.PERMISSION, Access.SELF, Access.LISTING, Access.OWNER]);

type Foreign = ReadonlyMap<string, MethodPolicy>;

function policyOf(method: DescMethod, foreign: Foreign): MethodPolicy | undefined {
  if (hasOption(method, policyOption)) return getOption(method, policyOption);
  return foreign.get(`${method.parent.typeName}/${method.name}`);
}

function textField(message: DescMessage, name: string): DescField | undefined {
  const field = message.fields.find((candidate) => candidate.name === name);
  return field?.fieldKind === "scalar" && field.scalar === ScalarType.STRING ? field : undefined;
}

/** How many items the list of that name holds; undefined when there is no such list. */
function counter(message: DescMessage, name: string): ((request: Message) => number) | undefined {
  const field = message.fields.find((candidate) => candidate.name === name);
  if (field?.fieldKind !== "list") return undefined;
  const property = field.localName;
  return (request) => (request as unknown as Readonly<Record<string, readonly unknown[]>>)[property]?.length ?? 0;
}

function reader(message: DescMessage, name: string): ((request: Message) => string) | undefined {
  const field = textField(message, name);
  if (field === undefined) return undefined;
  const property = field.localName;
  return (request) => (request as unknown as Readonly<Record<string, string>>)[property] ?? "";
}

/** Changes of who may do what: nothing about them is left to a default. */
function changesAccess({ access, auditMode, auditCategory }: MethodPolicy): boolean {
  return access !== Access.PUBLIC && auditMode === AuditMode.ATOMIC && auditCategory === AuditCategory.ADMIN;
}

function* gateProblems(policy: MethodPolicy): Generator<string> {
  if (priorityNames[policy.priority] === undefined) yield "names no priority";
  if (changesAccess(policy) && policy.stepUp === StepUp.UNSPECIFIED)
    yield "changes who may do what and does not say whether it needs a recent authentication";
  if (changesAccess(policy) && policy.network === Network.UNSPECIFIED)
    yield "changes who may do what and does not say from which network";
  if (StepUp[policy.stepUp] === undefined || Network[policy.network] === undefined)
    yield "asks for a step-up or a network that does not exist";
  if (policy.access === Access.PUBLIC && policy.stepUp > StepUp.NONE)
    yield "asks callers without a credential for a recent authentication";
}

function* policyProblems(method: DescMethod, policy: MethodPolicy): Generator<string> {
  yield* gateProblems(policy);
  if (policy.access === Access.UNSPECIFIED) yield "says no access";
  if (limitNames[policy.limitClass] === undefined) yield "names no limit class";
  if (policy.auditMode === AuditMode.UNSPECIFIED) yield "names no audit mode";
  if (policy.auditMode !== AuditMode.NONE && policy.auditCategory === AuditCategory.UNSPECIFIED)
    yield "names no audit category";
  if (policy.auditMode !== AuditMode.NONE && policy.auditEvent === "") yield "names no audit event";
  if (needsPermission.has(policy.access) !== (policy.permission !== ""))
    yield "must name a permission exactly when its access asks for one";
  if (policy.resourceField !== "" && textField(method.input, policy.resourceField) === undefined)
    yield `names the resource field ${policy.resourceField}, which is no text field of the request`;
  if (
    needsPermission.has(policy.access) &&
    policy.resourceType === "" &&
    policy.resourceField === "" &&
    policy.access !== Access.OWNER
  )
    yield "names no resource";
  if ((policy.access === Access.SELF || policy.access === Access.LISTING) && policy.resourceField === "")
    yield "must name the resource field";
  if (policy.itemsField !== "" && counter(method.input, policy.itemsField) === undefined)
    yield `counts the items of ${policy.itemsField}, which is no list of the request`;
  if (method.methodKind !== "unary" && policy.auditMode === AuditMode.ATOMIC)
    yield "is a stream whose audit is ATOMIC, and a stream has no transaction to be atomic with";
  if (method.methodKind !== "unary" && method.methodKind !== "server_streaming" && policy.resourceField !== "")
    yield "names a resource in a stream of requests, of which there is more than one";
  if (policy.maxRequestBytes < 0 || policy.maxRequestBytes > largestRequestBytes)
    yield `allows requests beyond ${largestRequestBytes} bytes`;
}

const noStepUp = { stepUp: false, secondFactor: false } as const;

/** The demand of methods that every live principal may call about itself. One object, so that it is known at a glance. */
export const nothingAsked: Demand = { permission: "", grant: "none", ...noStepUp, adminNetwork: false };

const grantAsked: Readonly<Record<Access, Demand["grant"]>> = {
  [Access.UNSPECIFIED]: "whole",
  [Access.PUBLIC]: "none",
  [Access.AUTHENTICATED]: "none",
  [Access.PERMISSION]: "whole",
  [Access.SELF]: "whole",
  [Access.LISTING]: "some",
  // The handler asks, once it knows what the request points at.
  [Access.OWNER]: "none",
};

function demandsOf({ access, permission, stepUp, network }: MethodPolicy): Pick<MethodEntry, "demand" | "ownDemand"> {
  const whole: Demand = {
    permission,
    grant: grantAsked[access],
    stepUp: stepUp > StepUp.NONE,
    secondFactor: stepUp === StepUp.SECOND_FACTOR,
    adminNetwork: network === Network.ADMIN,
  };
  const demand = whole.grant === "none" && !whole.stepUp && !whole.adminNetwork ? nothingAsked : whole;
  const own: Demand = { permission, grant: "scope", ...noStepUp, adminNetwork: false };
  return { demand, ownDemand: access === Access.SELF ? own : demand };
}

function entryOf(method: DescMethod, policy: MethodPolicy, handler: unknown): MethodEntry {
  return {
    name: `${method.parent.typeName}/${method.name}`,
    method,
    access: policy.access,
    permission: policy.permission,
    resourceType: policy.resourceType,
    resourceField: policy.resourceField,
    resourceValue: (policy.resourceField === "" ? undefined : reader(method.input, policy.resourceField)) ?? (() => ""),
    limit: limitNames[policy.limitClass] ?? "unlimited",
    priority: priorityNames[policy.priority] ?? "normal",
    ...demandsOf(policy),
    auditEvent: policy.auditEvent,
    auditMode: policy.auditMode,
    auditCategory: policy.auditCategory === AuditCategory.ADMIN ? "ADMIN" : "DATA_ACCESS",
    maxRequestBytes: policy.maxRequestBytes || defaultMaxRequestBytes,
    requestId: reader(method.input, "request_id"),
    account: reader(method.input, "login_name"),
    items: counter(method.input, policy.itemsField),
    handler,
  };
}

/** Methods and problems of one service. */
function inspect({ service, handlers }: ServiceBinding, foreign: Foreign, problems: string[]): MethodEntry[] {
  const entries: MethodEntry[] = [];
  for (const method of service.methods) {
    const name = `${service.typeName}/${method.name}`;
    const policy = policyOf(method, foreign);
    const handler = handlers[method.localName];
    if (policy === undefined) problems.push(`${name} has no policy`);
    if (typeof handler !== "function") problems.push(`${name} has no handler`);
    if (policy === undefined) continue;
    for (const problem of policyProblems(method, policy)) problems.push(`${name} ${problem}`);
    entries.push(entryOf(method, policy, handler));
  }
  for (const name of Object.keys(handlers)) {
    if (!Object.hasOwn(service.method, name)) problems.push(`${service.typeName} has a handler ${name} for no method`);
  }
  return entries;
}

/** Throws StartRefused with every problem at once. */
export function createPolicyTable(
  bindings: readonly ServiceBinding[],
  foreign: Foreign = foreignPolicies,
): PolicyTable {
  const table = new Map<string, MethodEntry>();
  const problems: string[] = [];
  for (const binding of bindings) {
    for (const entry of inspect(binding, foreign, problems)) {
      if (table.has(`/${entry.name}`)) problems.push(`${entry.name} is bound twice`);
      table.set(`/${entry.name}`, entry);
    }
    problems.push(...sensitiveFieldProblems(binding.service));
  }
  if (problems.length > 0) throw new StartRefused(`the contracts are not fit to serve: ${problems.join("; ")}`);
  return table;
}
