// A version as the contract shows it, and the place that its value is sealed for.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type SecretVersion,
  SecretVersionSchema,
  SecretVersionState,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { formatId } from "../../kernel/ids.ts";
import type { Binding } from "../../kernel/sealing.ts";
import { stateOf, type VersionFacts } from "../domain/version-state.ts";

const states = {
  enabled: SecretVersionState.ENABLED,
  deleted: SecretVersionState.DELETED,
  destroyed: SecretVersionState.DESTROYED,
} as const;

function optionalTime<K extends string>(name: K, time: Date | null) {
  return time === null ? {} : ({ [name]: timestampFromDate(time) } as Record<K, ReturnType<typeof timestampFromDate>>);
}

export function versionMessage(facts: VersionFacts): SecretVersion {
  return create(SecretVersionSchema, {
    version: facts.version,
    state: states[stateOf(facts)],
    createTime: timestampFromDate(facts.createdAt),
    creatorId: formatId("principal", facts.createdBy),
    ...optionalTime("expireTime", facts.expiresAt),
    ...optionalTime("deleteTime", facts.deletedAt),
    ...optionalTime("destroyTime", facts.destroyedAt),
  });
}

/**
 * By path and version: a row that is moved to another path or version opens nowhere. Not by the row's id, which one path
 * has for ever; so a version can be sealed before its row is known, outside the transaction and without asking for it.
 */
export function bindingOf(path: string, version: number): Binding {
  return { kind: "secret.value", id: path, version };
}
