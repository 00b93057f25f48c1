// The event catalogue: what the contracts say is recorded, and what the server records by itself.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { getOption } from "@bufbuild/protobuf";
import { AuditCategory, AuditMode, policy } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { listFiles, root } from "../source/files.ts";
import { dottedName, literalText, nodeAt, parseSource, type SyntaxNode, walk } from "../source/syntax.ts";

const eventName = /^[a-z]+\.[a-z_]+$/;

const meaning: Readonly<Record<AuditMode, string>> = {
  [AuditMode.UNSPECIFIED]: "",
  [AuditMode.ATOMIC]: "success with the change, refusal and failure before the answer",
  [AuditMode.BLOCKING]: "success, refusal and failure before the answer",
  [AuditMode.REFUSALS]: "refusal and failure before the answer",
  [AuditMode.NONE]: "never",
};

function isService(value: unknown): value is DescService {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "service";
}

/** Services of the generated contracts, in the order of their files. */
async function services(): Promise<readonly DescService[]> {
  const files = listFiles("gen/ts/gatehouse", "_pb.js");
  const modules: readonly object[] = await Promise.all(
    files.map((path) => import(pathToFileURL(`${root}/${path}`).href)),
  );
  return modules.flatMap((module) => Object.values(module).filter(isService));
}

function methodRow(method: DescMethod): readonly string[] {
  const { auditEvent, auditMode, auditCategory } = getOption(method, policy);
  const event = auditEvent === "" ? "named by the request" : `\`${auditEvent}\``;
  const name = `${method.parent.typeName.replace(/^gatehouse\.[a-z]+\.v1\./, "")}/${method.name}`;
  return [event, name, AuditCategory[auditCategory], meaning[auditMode]];
}

export async function callEvents(): Promise<readonly (readonly string[])[]> {
  const methods = (await services()).flatMap((service) => service.methods);
  return methods.filter((method) => getOption(method, policy).auditMode !== AuditMode.NONE).map(methodRow);
}

/** `event: ...` in a literal, or `something.event = ...`. */
function namesEvent(node: SyntaxNode): boolean {
  if (node.type === "Property") return dottedName(nodeAt(node, "key")) === "event";
  return node.type === "AssignmentExpression" && dottedName(nodeAt(node, "left"))?.endsWith(".event") === true;
}

/** Names that the source itself gives to an event. */
export function ownEvents(): readonly string[] {
  const found = listFiles("src", ".ts").flatMap((path) =>
    [...walk(parseSource(readFileSync(`${root}/${path}`, "utf8"), path))]
      .filter(namesEvent)
      .flatMap((node) => [...walk(node)].flatMap((inner) => literalText(inner) ?? [])),
  );
  return [...new Set(found.filter((text) => eventName.test(text)))].sort();
}
