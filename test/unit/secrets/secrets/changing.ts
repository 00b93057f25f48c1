// One secret, `team/db`, with versions in given states, for the three methods that change them.
import type { SecretVersion } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import type { Row } from "../../../../src/kernel/database.ts";
import type { Call } from "../../../../src/kernel/handler.ts";
import { callTime, fakeCall } from "../../../fakes/call.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";

export interface States {
  readonly enabled?: readonly number[];
  readonly deleted?: readonly number[];
  readonly destroyed?: readonly number[];
}

type Handler = (request: never, call: Call) => Promise<unknown>;

function factsOf(version: number, change: "delete" | "undelete" | "destroy"): Row {
  const deleted_at = change === "delete" ? callTime : null;
  const destroyed_at = change === "destroy" ? callTime : null;
  return { version, created_at: callTime, created_by: alice, expires_at: null, deleted_at, destroyed_at };
}

export function changing(handler: Handler, { enabled = [], deleted = [], destroyed = [] }: States) {
  const known = [...enabled, ...deleted, ...destroyed];
  const alive = [...enabled, ...deleted];
  const rows =
    (change: "delete" | "undelete" | "destroy", candidates: readonly number[]) => (parameters: readonly unknown[]) =>
      (parameters[1] as number[])
        .filter((version) => candidates.includes(version))
        .map((version) => factsOf(version, change));
  const database = scriptedDatabase({
    "secrets.delete": rows("delete", alive),
    "secrets.undelete": rows("undelete", alive),
    "secrets.destroy": rows("destroy", known),
    "secrets.count_versions": ([, versions]) => [
      { known: (versions as number[]).filter((version) => known.includes(version)).length },
    ],
  });
  const call = fakeCall({ principal: principalOf(), unitOfWork: database.unitOfWork });
  const change = (versions: number[]) =>
    handler({ path: "team/db", versions } as never, call) as Promise<{ versions: SecretVersion[] }>;
  return { change, call, database };
}
