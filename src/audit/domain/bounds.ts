// Nothing that a caller sends makes a record fail or grow without bound: text is cut with a mark that says so, and what
// is not text in UTF-8 is replaced. Runs before anything is committed to, so the evidence is of what was kept.
import type { AuditDraft, AuditResource, AuditValue } from "../../kernel/audit.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { EntryResource } from "./entry.ts";

const mostResources = 16;
export const longestDetails = 16_384;

const longestType = 64;
const longestUid = 600;
const longestPersonal = 256;
const longestDetail = 1_024;
const deepestDetail = 16;

/** Well-formed text of at most `longest` UTF-16 units, or its beginning and how long it was. */
export function boundedText(text: string, longest: number): string {
  if (text.length <= longest) return text.toWellFormed();
  return `${text.slice(0, longest).toWellFormed()}...[cut, was ${text.length} long]`;
}

export interface BoundedResources {
  readonly resources: readonly EntryResource[];
  readonly omitted: number | undefined;
}

function boundedResource({ type, uid, version }: AuditResource): EntryResource {
  return { type: boundedText(type, longestType), uid: boundedText(uid, longestUid), version };
}

export function boundedResources(resources: readonly AuditResource[]): BoundedResources {
  const kept = resources.slice(0, mostResources).map(boundedResource);
  return { resources: kept, omitted: resources.length > kept.length ? resources.length - kept.length : undefined };
}

export type PersonalPart = {
  readonly login_name: string | undefined;
  readonly address: string | undefined;
  readonly user_agent: string | undefined;
};

function present(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : boundedText(text, longestPersonal);
}

/** Empty text says nothing of a person and counts as absent, since the contract cannot tell the two apart. */
export function boundedPersonal({ loginName, address, userAgent }: AuditDraft["personal"]): PersonalPart {
  return { address: present(address), login_name: present(loginName), user_agent: present(userAgent) };
}

function boundedNumber(value: number): AuditValue {
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  return String(value);
}

function boundedValue(value: AuditValue, depth: number): AuditValue {
  if (typeof value === "string") return boundedText(value, longestDetail);
  if (typeof value === "number") return boundedNumber(value);
  if (value === null || typeof value !== "object") return value;
  if (depth === deepestDetail) return "[cut, nested too deeply]";
  if (Array.isArray(value)) return value.map((item: AuditValue) => boundedValue(item, depth + 1));
  return boundedMembers(value as { readonly [key: string]: AuditValue }, depth);
}

function boundedMembers(members: { readonly [key: string]: AuditValue }, depth: number): { [key: string]: AuditValue } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([key, value]) => [boundedText(key, longestType), boundedValue(value, depth + 1)]),
  );
}

/** Whether bounding it would leave it as it is. Most details are like that, and copying them is felt in every record. */
function fits(value: AuditValue | undefined, depth: number): boolean {
  if (typeof value === "string") return boundedText(value, longestDetail) === value;
  if (typeof value === "number") return boundedNumber(value) === value;
  if (value === null || typeof value !== "object") return true;
  if (depth === deepestDetail) return false;
  if (Array.isArray(value)) return value.every((item: AuditValue) => fits(item, depth + 1));
  return membersFit(value as AuditDraft["details"], depth);
}

function membersFit(members: AuditDraft["details"], depth: number): boolean {
  for (const key of Object.keys(members))
    if (boundedText(key, longestType) !== key || !fits(members[key], depth + 1)) return false;
  return true;
}

/** Canonical JSON of the details; undefined when there are none. */
export function boundedDetails(details: AuditDraft["details"]): string | undefined {
  const json = canonicalJson(membersFit(details, 0) ? details : boundedMembers(details, 0));
  if (json === "{}") return undefined;
  if (Buffer.byteLength(json) <= longestDetails) return json;
  return canonicalJson({
    cut: true,
    names: Object.keys(details)
      .slice(0, 32)
      .sort()
      .map((key) => boundedText(key, longestType)),
  });
}
