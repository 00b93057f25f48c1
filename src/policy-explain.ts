// What `gatehouse policy explain` prints: which rule decides about a method, from the contracts alone, and for one principal
// also from the database. It judges by the function that the chain judges by.
import { Access } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { type ExplainedGrant, grantsWithPermissions } from "./auth/grant/store.ts";
import { readStanding } from "./auth/standing/store.ts";
import type { ExplainQuestion } from "./cli.ts";
import type { Config } from "./config/schema.ts";
import { described } from "./contracts.ts";
import { accessRefusal, type Demand } from "./kernel/access-rule.ts";
import type { Reader } from "./kernel/database.ts";
import { formatId, parseId } from "./kernel/ids.ts";
import { everywhere } from "./kernel/networks.ts";
import { anyPermission, decidingGrant, type Standing } from "./kernel/principal.ts";
import { StartRefused } from "./kernel/start-refused.ts";
import { createPolicyTable, type MethodEntry } from "./rpc/policy.ts";
import { servedServices } from "./served-services.ts";

/** Refuses what is not one method. */
function findMethod(name: string): MethodEntry {
  const entries = [...createPolicyTable(servedServices.map(described)).values()];
  const found = entries.filter((entry) => entry.name === name || entry.name.endsWith(`.${name}`));
  const loose = found.length > 0 ? found : entries.filter((entry) => entry.name.endsWith(`/${name}`));
  const [entry, ...more] = loose;
  if (entry === undefined) throw new StartRefused("no such method; `gatehouse policy` lists them");
  if (more.length > 0)
    throw new StartRefused(`several methods of that name: ${loose.map((one) => one.name).join(", ")}`);
  return entry;
}

const whoMay: Readonly<Record<Access, (permission: string, on: string) => string>> = {
  [Access.UNSPECIFIED]: () => "nobody",
  [Access.PUBLIC]: () => "anyone, without a credential",
  [Access.AUTHENTICATED]: () => "any live principal, about itself",
  [Access.PERMISSION]: (permission, on) => `holders of ${permission} on ${on}`,
  [Access.SELF]: (permission, on) => `any live principal about itself; about others, holders of ${permission} on ${on}`,
  [Access.LISTING]: (permission, on) => `holders of ${permission} somewhere at or below ${on}, who see that part`,
  [Access.OWNER]: (permission) => `any live principal about what is its own; else holders of ${permission} on it`,
};

function resourceForm({ resourceType, resourceField }: MethodEntry): string {
  const field = resourceField === "" ? "" : `{${resourceField}}`;
  return [resourceType, field].filter((part) => part !== "").join("/") || "everything";
}

function secondFactorLines({ stepUp, secondFactor }: Demand, config: Config, others: string): readonly string[] {
  if (secondFactor) return [`a second factor (acr aal2)${others}`];
  if (!stepUp || config.stepUpSecondFactor === "off") return [];
  return [`of people a second factor (acr aal2)${others}`];
}

function narrowed({ access, permission, demand }: MethodEntry, config: Config): readonly string[] {
  const others = access === Access.SELF ? ", for calls about others" : "";
  return [
    ...(permission === "" ? [] : [`a token whose scopes hold ${permission} or \`*\``]),
    ...(demand.stepUp
      ? [
          config.stepUpAge === "off"
            ? "no step-up: it is off"
            : `a login of the last ${config.stepUpAge / 1_000} s${others}`,
        ]
      : []),
    ...secondFactorLines(demand, config, others),
    ...(demand.adminNetwork
      ? [`a network of GATEHOUSE_ADMIN_NETWORKS, which is ${config.adminNetworks.text}${others}`]
      : []),
  ];
}

/** From the contracts alone. */
function contractLines(entry: MethodEntry, config: Config): readonly string[] {
  const denial = entry.permission === "" ? "" : ", and no grant that denies it";
  return [
    entry.name,
    `  may call: ${whoMay[entry.access](entry.permission, resourceForm(entry))}${denial}`,
    ...narrowed(entry, config).map((line) => `  needs: ${line}`),
    `  priority ${entry.priority}, limit ${entry.limit}, event ${entry.auditEvent || "none"}`,
  ];
}

function grantLine({ row, resource }: ExplainedGrant): string {
  const ends = row.expires_at === null ? "without end" : `until ${row.expires_at.toISOString()}`;
  const verb = row.effect === "deny" ? "forbids" : "gives";
  return `${formatId("grant", row.id)} ${verb} it: role ${row.role} on ${resource === "" ? "everything" : resource}, ${ends}`;
}

interface Subject {
  readonly standing: Standing;
  readonly grants: readonly ExplainedGrant[];
}

async function findSubject(reader: Reader, principal: string, now: Date): Promise<Subject> {
  const id = parseId("principal", principal);
  if (id === undefined) throw new StartRefused("--principal is not right: expected prn_<uuid>");
  const [standing, grants] = await Promise.all([readStanding(reader, id, now), grantsWithPermissions(reader, id)]);
  if (standing === undefined) throw new StartRefused("no such principal");
  return { standing, grants };
}

/** As for a token that nothing narrows, since which token will be shown cannot be known here. */
function verdict({ standing, grants }: Subject, { demand, resource }: Question, now: Date): string {
  const { kind } = standing;
  const asker = {
    scopes: new Set([anyPermission]),
    kind,
    authenticatedAt: now,
    authenticationMethods: [],
    standing: { grants },
  };
  const conditions = { stepUpAgeMs: undefined, secondFactor: false, adminNetworks: () => everywhere };
  if (!standing.active) return "no: the principal is disabled";
  const refusal = accessRefusal({ ...demand, stepUp: false }, asker, resource, "", now.getTime(), conditions);
  const decider = decidingGrant(grants, demand.permission, resource, now.getTime());
  const why = decider === undefined ? "no grant says anything about it" : grantLine(decider);
  if (demand.grant === "none") return "yes: no grant is asked for";
  if (demand.grant === "scope") return "yes: about itself no grant is asked for";
  if (refusal !== undefined) return `no: ${why}`;
  return decider === undefined ? "yes: a grant gives a part of it" : `yes: ${why}`;
}

interface Question {
  readonly demand: Demand;
  readonly resource: string;
}

/** As ExplainAccess takes it. */
function questionOf(entry: MethodEntry, given: ExplainQuestion, principal: string): Question {
  const { access, demand, ownDemand, permission, resourceType } = entry;
  const itself = `${resourceType}/${principal}`;
  if (access === Access.SELF && given.permission === undefined && (given.resource ?? itself) === itself)
    return { demand: ownDemand, resource: itself };
  const asked = given.permission ?? permission;
  const grant = asked === "" ? "none" : demand.grant === "none" ? "whole" : demand.grant;
  return { demand: { ...demand, permission: asked, grant }, resource: given.resource ?? resourceType };
}

/** Throws StartRefused with what is wrong with the question. */
export async function explainPolicy(
  question: ExplainQuestion,
  config: Config,
  now: Date,
  reader: Reader | undefined,
): Promise<string> {
  const entry = findMethod(question.method);
  const lines = contractLines(entry, config);
  if (reader === undefined || question.principal === undefined) return lines.join("\n");
  const subject = await findSubject(reader, question.principal, now);
  const asked = questionOf(entry, question, question.principal);
  const { demand, resource } = asked;
  const about = demand.permission === "" ? "" : ` ${demand.permission} on ${resource === "" ? "everything" : resource}`;
  return [...lines, `  ${question.principal}${about}: ${verdict(subject, asked, now)}`].join("\n");
}
